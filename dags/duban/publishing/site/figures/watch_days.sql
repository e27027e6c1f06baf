select
    watched_on,
    check_code,
    count(*) filter (where severity = 'error') as error_count,
    count(*) filter (where severity = 'warning') as warning_count,
    count(*) filter (where severity = 'info') as info_count
from marts.fct_watch_items
where not is_muted and watched_on >= %(first_on)s and (district_code is null or district_code = %(district_code)s)
group by watched_on, check_code
