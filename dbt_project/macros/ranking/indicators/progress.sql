{#- Z / A: how much of what was ever assigned is rectified. -#}
{% macro indicator_progress(days, history) -%}
select district_code, township_code, day_on, rectified_count as numerator, assigned_count as denominator
from {{ days }}
{%- endmacro %}
