select
    max(received_at) as known_at,
    coalesce(bool_or(district_code = %(district)s and outcome = any(%(accepted)s)), false) as has_data
from ops.submissions
