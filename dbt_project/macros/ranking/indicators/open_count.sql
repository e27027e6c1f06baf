{% macro indicator_open_count(days, history) -%}
select district_code, township_code, day_on, open_count as numerator, 1 as denominator
from {{ days }}
{%- endmacro %}
