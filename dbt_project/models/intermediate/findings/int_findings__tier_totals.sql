{{ config(materialized='ephemeral') }}

with
newest as (
    select distinct on (district_code, fund_year, tier) *
    from {{ ref('rpt_fund_tiers') }}
    order by district_code asc, fund_year asc, tier asc, day_on desc
),

projects as (
    select
        projects.*,
        known.first_reported_on
    from {{ ref('fct_projects') }} as projects
    inner join {{ ref('int_projects__known') }} as known
        on projects.district_code = known.district_code and projects.project_no = known.project_no
),

found as (
    {{ tier_totals('newest', 'projects') | indent(4) }}
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
