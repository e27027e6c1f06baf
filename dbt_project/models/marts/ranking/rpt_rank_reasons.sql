{{
    config(
        affected={
            'model': 'int_ranking_days__affected',
            'keys': {'district_code': 'district_code', 'ranked_on': 'ranked_on'},
        },
    )
}}

-- Whoever stands directly ahead; of several with the same rank, the first in print.
with
ranked as (
    select ranking.*
    from {{ ref('int_ranking_days__affected') }} as affected
    inner join {{ ref('rpt_township_ranking') }} as ranking
        on affected.district_code = ranking.district_code and affected.ranked_on = ranking.ranked_on
    where ranking.rank is not null
),

rules as (
    select distinct
        rule_code,
        ordering_keys,
        split_part(ordering_keys, ' ', 1) as first_indicator
    from {{ ref('ref_ranking_rules') }}
),

pairs as (
    select distinct on (own.ranked_on, own.township_code)
        own.*,
        ahead.township_code as ahead_township_code
    from ranked as own
    left join ranked as ahead
        on
            own.district_code = ahead.district_code
            and own.ranked_on = ahead.ranked_on
            and own.dense_rank = ahead.dense_rank + 1
    order by own.ranked_on, own.township_code, ahead.display_order
),

-- the first ordering key of the rule in which the two differ
decided as (
    select distinct on (pairs.ranked_on, pairs.township_code)
        pairs.ranked_on,
        pairs.township_code,
        keys.place as deciding_place,
        split_part(keys.ordering_key, ' ', 1) as deciding_indicator,
        own.numerator as own_numerator,
        own.denominator as own_denominator,
        ahead.numerator as ahead_numerator,
        ahead.denominator as ahead_denominator
    from pairs
    inner join rules on pairs.rule_code = rules.rule_code
    cross join lateral unnest(string_to_array(rules.ordering_keys, ', ')) with ordinality as keys (ordering_key, place)
    left join {{ ref('fct_township_scores') }} as own
        on
            pairs.township_code = own.township_code
            and pairs.ranked_on = own.day_on
            and own.indicator_code = split_part(keys.ordering_key, ' ', 1)
    left join {{ ref('fct_township_scores') }} as ahead
        on
            pairs.ahead_township_code = ahead.township_code
            and pairs.ranked_on = ahead.day_on
            and ahead.indicator_code = split_part(keys.ordering_key, ' ', 1)
    where own.order_key is distinct from ahead.order_key and pairs.ahead_township_code is not null
    order by pairs.ranked_on, pairs.township_code, keys.place
),

-- Under a rule that asks first for a share of rectified problems: with k more of its problems rectified, and nothing else changed, the
-- share exceeds the one ahead as soon as (numerator + k) · other denominator > other numerator · denominator. Against a share of 1 all
-- must be rectified, which makes the two equal.
moved as (
    select
        decided.*,
        case
            when rules.first_indicator not in ('progress', 'progress_since_baseline') then null
            when first_ahead.numerator >= first_ahead.denominator then pairs.open_count
            else
                div(first_ahead.numerator * first_own.denominator - first_own.numerator * first_ahead.denominator, first_ahead.denominator)
                + 1
        end as closures_needed_count
    from decided
    inner join pairs on decided.ranked_on = pairs.ranked_on and decided.township_code = pairs.township_code
    inner join rules on pairs.rule_code = rules.rule_code
    left join {{ ref('fct_township_scores') }} as first_own
        on
            pairs.township_code = first_own.township_code
            and pairs.ranked_on = first_own.day_on
            and rules.first_indicator = first_own.indicator_code
    left join {{ ref('fct_township_scores') }} as first_ahead
        on
            pairs.ahead_township_code = first_ahead.township_code
            and pairs.ranked_on = first_ahead.day_on
            and rules.first_indicator = first_ahead.indicator_code
)

select
    pairs.ranked_on,
    pairs.district_code,
    pairs.township_code,
    pairs.rank,
    pairs.rule_code,
    pairs.ahead_township_code,
    moved.deciding_place::integer as deciding_place,
    moved.deciding_indicator,
    moved.own_numerator,
    moved.own_denominator,
    moved.ahead_numerator,
    moved.ahead_denominator,
    moved.closures_needed_count::integer as closures_needed_count
from pairs
left join moved on pairs.ranked_on = moved.ranked_on and pairs.township_code = moved.township_code
