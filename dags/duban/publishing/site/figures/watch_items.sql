select check_code, subject, district_code, severity, text, first_seen_on, is_new, is_muted, runbook_anchor
from marts.fct_watch_items
where watched_on = %(watched_on)s and (district_code is null or district_code = %(district_code)s)
order by check_code, subject
