{#- Whether a visit with this verdict opens the problem again: sent back, or relapsed. -#}
{% macro is_reopening(verdict) -%}
    {{ verdict }} in ('退回', '反弹')
{%- endmacro %}
