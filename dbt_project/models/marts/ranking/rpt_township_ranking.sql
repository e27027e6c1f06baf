{{
    config(
        affected={
            'model': 'int_ranking_days__affected',
            'keys': {'district_code': 'district_code', 'ranked_on': 'ranked_on'},
        },
    )
}}

with
-- The rule in force: a district's own before the general one ('*'), the latest effective first.
rules_in_force as (
    select distinct on (affected.district_code, affected.ranked_on)
        affected.district_code,
        affected.ranked_on,
        rules.rule_code,
        rules.ordering_keys
    from {{ ref('int_ranking_days__affected') }} as affected
    inner join {{ ref('ref_ranking_rules') }} as rules
        on
            rules.district_code in (affected.district_code, '*')
            and affected.ranked_on >= rules.effective_from
            and (rules.effective_to is null or affected.ranked_on <= rules.effective_to)
    order by
        affected.district_code asc,
        affected.ranked_on asc,
        rules.district_code = '*' asc,
        rules.effective_from desc
),

days as (
    select
        days.*,
        townships.township_name,
        townships.is_ranked,
        townships.display_order,
        rules_in_force.rule_code,
        rules_in_force.ordering_keys
    from rules_in_force
    inner join {{ ref('fct_township_days') }} as days
        on rules_in_force.district_code = days.district_code and rules_in_force.ranked_on = days.day_on
    inner join {{ ref('dim_townships') }} as townships on days.township_code = townships.township_code
),

ranked as (
    {{ ranked('days', ref('fct_township_scores')) | indent(4) }}
)

{{ ranking_rows('ranked') }}
