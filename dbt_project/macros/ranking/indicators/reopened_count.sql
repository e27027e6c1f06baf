{% macro indicator_reopened_count(days, history) -%}
select district_code, township_code, day_on, reopened_count as numerator, 1 as denominator
from {{ days }}
{%- endmacro %}
