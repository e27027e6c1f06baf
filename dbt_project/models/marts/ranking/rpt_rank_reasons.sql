{{
    config(
        affected={
            'model': 'int_ranking_days__affected',
            'keys': {'district_code': 'district_code', 'ranked_on': 'ranked_on'},
        },
    )
}}

with
rules as (
    select distinct
        rule_code,
        ordering_keys
    from {{ ref('ref_ranking_rules') }}
),

ranked as (
    select
        ranking.*,
        rules.ordering_keys
    from {{ ref('int_ranking_days__affected') }} as affected
    inner join {{ ref('rpt_township_ranking') }} as ranking
        on affected.district_code = ranking.district_code and affected.ranked_on = ranking.ranked_on
    inner join rules on ranking.rule_code = rules.rule_code
    where ranking.rank is not null
),

scored as (
    {{ with_ordered_scores('ranked', ref('fct_township_scores')) | indent(4) }}
),

paired as (
    {{ with_one_ahead('scored') | indent(4) }}
),

decided as (
    {{ with_deciding_key('paired') | indent(4) }}
)

select
    ranked_on,
    district_code,
    township_code,
    rank,
    rule_code,
    ahead_township_code,
    deciding_place,
    indicators[deciding_place] as deciding_indicator,
    numerators[deciding_place] as own_numerator,
    denominators[deciding_place] as own_denominator,
    ahead_numerators[deciding_place] as ahead_numerator,
    ahead_denominators[deciding_place] as ahead_denominator,
    {{ closures_needed() }} as closures_needed_count
from decided
