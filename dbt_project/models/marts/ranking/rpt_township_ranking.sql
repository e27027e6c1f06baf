with
-- The rule in force: a district's own before the general one ('*'), the latest effective first.
district_days as (
    select distinct
        district_code,
        day_on
    from {{ ref('fct_township_days') }}
),

rules_in_force as (
    select distinct on (district_days.district_code, district_days.day_on)
        district_days.district_code,
        district_days.day_on,
        rules.rule_code
    from district_days
    inner join {{ ref('ref_ranking_rules') }} as rules
        on
            rules.district_code in (district_days.district_code, '*')
            and rules.effective_from <= district_days.day_on
            and (rules.effective_to is null or rules.effective_to >= district_days.day_on)
    order by district_days.district_code asc, district_days.day_on asc, rules.district_code = '*' asc, rules.effective_from desc
),

days as (
    select
        township_days.*,
        townships.township_name,
        townships.is_ranked,
        townships.display_order,
        townships.is_ranked and township_days.assigned_count > 0 as takes_part,
        -- Z/A as a whole number, so that the order is that of Z1·A2 and Z2·A1 and never that of floats. Different fractions differ
        -- by at least 1/(A1·A2): times 10^18 that is at least 1 for every A up to 10^9, hence they get different numbers in the
        -- right order, and equal fractions get the same number.
        div(
            township_days.rectified_count::numeric * 1000000000000000000,
            nullif(township_days.assigned_count, 0)::numeric
        ) as progress_key
    from {{ ref('fct_township_days') }} as township_days
    inner join {{ ref('dim_townships') }} as townships
        on township_days.township_code = townships.township_code
)

select
    days.day_on as ranked_on,
    days.district_code,
    days.township_code,
    days.township_name,
    days.is_ranked,
    case when days.takes_part then (rank() over by_progress)::integer end as rank,
    case when days.takes_part then (dense_rank() over by_progress)::integer end as dense_rank,
    days.assigned_count,
    days.rectified_count,
    days.open_count,
    days.overdue_count,
    days.reopened_count,
    days.oldest_open_workdays,
    {{ pct('days.rectified_count', 'days.assigned_count') }} as rectified_pct,
    days.is_reported,
    rules_in_force.rule_code,
    days.display_order
from days
left join rules_in_force
    on days.district_code = rules_in_force.district_code and days.day_on = rules_in_force.day_on
window by_progress as (
    partition by days.district_code, days.day_on, days.takes_part
    order by
        days.progress_key desc,
        days.open_count asc,
        days.overdue_count asc,
        days.reopened_count asc,
        days.oldest_open_workdays asc
)
