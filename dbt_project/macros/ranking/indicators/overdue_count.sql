{% macro indicator_overdue_count(days, history) -%}
select district_code, township_code, day_on, overdue_count as numerator, 1 as denominator
from {{ days }}
{%- endmacro %}
