{{ config(materialized='ephemeral') }}

-- As of the last day on which anything of the tier's year moved.
with
newest as (
    select distinct on (district_code, fund_year, tier) *
    from {{ ref('rpt_fund_tiers') }}
    order by district_code asc, fund_year asc, tier asc, day_on desc
)

select
    newest.district_code,
    null::text as township_code,
    newest.day_on,
    'W03' as rule_id,
    newest.fund_year || '年' || newest.tier || '资金' || steps.stage as subject,
    newest.fund_year || '年' || newest.tier || '资金' || steps.stage || ' ' || {{ wan('steps.yuan') }} || ' 万元，多于'
    || steps.stage_before || ' ' || {{ wan('steps.yuan_before') }} || ' 万元' as text,
    null::text as submission_id
from newest
cross join
    lateral (
        values
        ('分配', newest.allocated_yuan, '下达', newest.received_yuan),
        ('拨付', newest.disbursed_yuan, '分配', newest.allocated_yuan),
        ('支出', newest.spent_yuan, '拨付', newest.disbursed_yuan)
    ) as steps (stage, yuan, stage_before, yuan_before)
where steps.yuan > steps.yuan_before
