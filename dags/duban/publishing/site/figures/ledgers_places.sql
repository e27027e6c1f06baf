select township_code, township_name
from marts.dim_townships
where district_code = %(district)s
order by display_order, township_code
