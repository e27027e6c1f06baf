{{ config(materialized='ephemeral') }}

-- As of the last day on which anything of the tier's year moved.
with
newest as (
    select distinct on (district_code, fund_year, tier) *
    from {{ ref('rpt_fund_tiers') }}
    order by district_code asc, fund_year asc, tier asc, day_on desc
),

found as (
    {{ stage_order('newest') | indent(4) }}
)

select
    district_code,
    null::text as township_code,
    day_on,
    rule_id,
    subject,
    text,
    null::text as submission_id
from found
