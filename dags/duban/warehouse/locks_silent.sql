select objid::bigint, pid, extract(epoch from clock_timestamp() - state_change)::float8
from pg_locks join pg_stat_activity using (pid)
where locktype = 'advisory' and granted and classid = 0 and pg_locks.database = (
    select oid from pg_database where datname = current_database()
) and state <> 'active' and state_change < clock_timestamp() - make_interval(secs => %s)
order by state_change
