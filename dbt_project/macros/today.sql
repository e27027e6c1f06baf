{#- The business date as an SQL expression: the day in Asia/Shanghai, unless the var `today` sets another. -#}
{% macro today() -%}
    {%- if var('today', none) is none -%}
        (now() at time zone 'Asia/Shanghai')::date
    {%- else -%}
        date '{{ var("today") }}'
    {%- endif -%}
{%- endmacro %}
