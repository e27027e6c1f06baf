select watched_at,
       count(*) filter (where severity = 'error' and not is_muted),
       count(*) filter (where severity = 'warning' and not is_muted),
       count(*) filter (where severity = 'info' and not is_muted),
       count(*) filter (where is_muted),
       coalesce(array_agg(runbook_anchor || ': ' || text order by first_seen_on, check_code, items.subject)
           filter (where severity = 'error' and not is_muted), '{}')
from ops.watch_reports left join ops.watch_items as items using (watched_on)
group by watched_on, watched_at order by watched_on desc limit 1
