select
    township_code,
    ranked_on,
    rank,
    rectified_pct,
    assigned_count,
    rectified_count,
    overdue_count,
    reopened_count,
    oldest_open_workdays,
    is_reported
from marts.rpt_township_ranking
where district_code = %(district_code)s and ranked_on between %(first_data_on)s and %(ranked_on)s
