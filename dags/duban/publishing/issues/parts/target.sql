select display_order, level, target_name, target_count, unit
from raw.key_targets
where district_code = %(district)s and target_year = %(year)s
