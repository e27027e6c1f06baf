{#- First half of replacing all rows of a table within the transaction of its build; the append that follows is the other half. -#}
{% macro empty_before_refill() -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
    {%- endif -%}
{%- endmacro %}
