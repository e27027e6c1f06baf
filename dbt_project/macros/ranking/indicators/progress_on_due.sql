{#- Z / A of the problems whose 整改时限 has come: what is not due yet neither helps nor harms. -#}
{% macro indicator_progress_on_due(days, history) -%}
select district_code, township_code, day_on, due_rectified_count as numerator, due_count as denominator
from {{ days }}
{%- endmacro %}
