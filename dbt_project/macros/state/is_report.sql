{#-
  Whether a file with this outcome is a report of its unit: it brought rows of a ledger that every unit must send.
  Before that was asked there were no others.
-#}
{% macro is_report(outcome, is_demanded) -%}
    {{ is_accepted(outcome) }} and {{ is_demanded }} is not false
{%- endmacro %}
