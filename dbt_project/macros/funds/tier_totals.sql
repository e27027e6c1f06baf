{#-
  W04: tiers of a fund year in which the funds named by projects differ from what was allocated. A project belongs to
  the year of its first report. A tier that no project names is not compared: nothing was said about it.

  tiers: as stage_order; projects: relation of projects as they stand, with their tiers and first_reported_on.
-#}
{% macro tier_totals(tiers, projects) -%}
select
    tiers.district_code,
    tiers.day_on,
    'W04' as rule_id,
    tiers.fund_year || '年' || tiers.tier || '资金' as subject,
    tiers.fund_year || '年' || tiers.tier || '资金：项目台账合计 ' || {{ wan('named.yuan') }} || ' 万元，资金台账分配 '
    || {{ wan('tiers.allocated_yuan') }} || ' 万元' as text
from {{ tiers }} as tiers
inner join (
    select
        projects.district_code,
        extract(year from projects.first_reported_on)::integer as fund_year,
        parts.tier,
        sum(parts.yuan) as yuan
    from {{ projects }} as projects
    cross join
        lateral (
            values
            ('中央', projects.central_yuan),
            ('省级', projects.provincial_yuan),
            ('市级', projects.municipal_yuan),
            ('区级', projects.district_yuan)
        ) as parts (tier, yuan)
    where parts.yuan is not null
    group by projects.district_code, extract(year from projects.first_reported_on), parts.tier
) as named
    on tiers.district_code = named.district_code and tiers.fund_year = named.fund_year and tiers.tier = named.tier
where named.yuan != tiers.allocated_yuan
{%- endmacro %}
