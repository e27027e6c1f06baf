{#-
  The business date as an SQL expression: what the session says (`duban.today`, for tests and for rebuilding a day),
  otherwise the day in Asia/Shanghai. Whoever asks says it when asking: no date is written into what dbt makes, nor
  known to it when it parses.
-#}
{% macro today() -%}
    coalesce(nullif(current_setting('duban.today', true), '')::date, (now() at time zone 'Asia/Shanghai')::date)
{%- endmacro %}
