{#- An amount in yuan as 万元 for a sentence: exact, without trailing zeros. -#}
{% macro wan(yuan) -%}
    trim_scale({{ yuan }} / 10000)::text
{%- endmacro %}
