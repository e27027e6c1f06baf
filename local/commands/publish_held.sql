select district_code, business_on, reasons
from ops.held_issues
where
    ended_at is null
    and checked_at >= %(since)s
    and series = %(series)s
    and is_correction = %(is_correction)s
    and business_on = {today}
    and {of_district}
order by district_code
