{% macro indicator_oldest_open_workdays(days, history) -%}
select district_code, township_code, day_on, oldest_open_workdays as numerator, 1 as denominator
from {{ days }}
{%- endmacro %}
