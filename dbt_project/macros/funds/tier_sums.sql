{#-
  What of movements was received, allocated, disbursed and spent, as columns of a query over them: the one place that
  says which stage counts where, and that 收回 lowers what was received.

  movements: relation of the query, with stage and amount_yuan.
-#}
{% macro tier_sums(movements) -%}
{%- set amount = movements ~ '.amount_yuan' -%}
    sum(
        case {{ movements }}.stage when '下达' then {{ amount }} when '收回' then -{{ amount }} else 0 end
    ) as received_yuan,
    {%- for stage, name in [('分配', 'allocated'), ('拨付', 'disbursed'), ('支出', 'spent')] %}
    sum(case {{ movements }}.stage when '{{ stage }}' then {{ amount }} else 0 end) as {{ name }}_yuan
    {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
