-- Per task: how often it failed, when last, how, and whether it has succeeded since. The check makes one item of each line.
select
    dag_id, task_id, count(*) as failure_count, max(failed_at) as failed_at,
    (array_agg(exception_type order by failed_at desc))[1] as exception_type,
    bool_and(recovered_at is not null) as is_recovered
from ops.task_failures
where
    failed_at <= %(now)s
    and (recovered_at is null and failed_at >= %(now)s - make_interval(days => %(look_back_days)s) or failed_at >= %(since)s)
group by dag_id, task_id
order by is_recovered, dag_id, task_id
