{#- Whether a file with this outcome brought rows: accepted wholly or in part. -#}
{% macro is_accepted(outcome) -%}
    {{ outcome }} in ('accepted', 'accepted_with_rejections')
{%- endmacro %}
