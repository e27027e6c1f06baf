select watched_on, watched_at, database_bytes, free_bytes
from ops.watch_reports
order by watched_on desc
limit %(watch_days)s
