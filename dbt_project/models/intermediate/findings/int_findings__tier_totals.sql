{{ config(materialized='ephemeral') }}

-- A project belongs to the year of its first report. A tier that no project names is not compared: nothing was said about it.
with
newest as (
    select distinct on (district_code, fund_year, tier) *
    from {{ ref('rpt_fund_tiers') }}
    order by district_code asc, fund_year asc, tier asc, day_on desc
),

named as (
    select
        projects.district_code,
        extract(year from known.first_reported_on)::integer as fund_year,
        parts.tier,
        sum(parts.yuan) as yuan
    from {{ ref('fct_projects') }} as projects
    inner join {{ ref('int_projects__known') }} as known
        on projects.district_code = known.district_code and projects.project_no = known.project_no
    cross join
        lateral (
            values
            ('中央', projects.central_yuan),
            ('省级', projects.provincial_yuan),
            ('市级', projects.municipal_yuan),
            ('区级', projects.district_yuan)
        ) as parts (tier, yuan)
    where parts.yuan is not null
    group by projects.district_code, extract(year from known.first_reported_on), parts.tier
)

select
    newest.district_code,
    null::text as township_code,
    newest.day_on,
    'W04' as rule_id,
    newest.fund_year || '年' || newest.tier || '资金' as subject,
    newest.fund_year || '年' || newest.tier || '资金：项目台账合计 ' || {{ wan('named.yuan') }} || ' 万元，资金台账分配 '
    || {{ wan('newest.allocated_yuan') }} || ' 万元' as text,
    null::text as submission_id
from newest
inner join named
    on newest.district_code = named.district_code and newest.fund_year = named.fund_year and newest.tier = named.tier
where named.yuan != newest.allocated_yuan
