{#-
  W03: tiers of a fund year in which a later stage has more than the one before it.

  tiers: relation of one line per district, fund year and tier, as rpt_fund_tiers has them.
-#}
{% macro stage_order(tiers) -%}
select
    tiers.district_code,
    tiers.day_on,
    'W03' as rule_id,
    tiers.fund_year || '年' || tiers.tier || '资金' || steps.stage as subject,
    tiers.fund_year || '年' || tiers.tier || '资金' || steps.stage || ' ' || {{ wan('steps.yuan') }} || ' 万元，多于'
    || steps.stage_before || ' ' || {{ wan('steps.yuan_before') }} || ' 万元' as text
from {{ tiers }} as tiers
cross join
    lateral (
        values
        ('分配', tiers.allocated_yuan, '下达', tiers.received_yuan),
        ('拨付', tiers.disbursed_yuan, '分配', tiers.allocated_yuan),
        ('支出', tiers.spent_yuan, '拨付', tiers.disbursed_yuan)
    ) as steps (stage, yuan, stage_before, yuan_before)
where steps.yuan > steps.yuan_before
{%- endmacro %}
