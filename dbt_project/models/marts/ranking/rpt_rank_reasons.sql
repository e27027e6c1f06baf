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
        split_part(ordering_keys, ' ', 1) as first_indicator,
        split_part(ordering_keys, ', ', 2) as second_key
    from {{ ref('ref_ranking_rules') }}
),

pairs as (
    select distinct on (own.ranked_on, own.township_code)
        own.*,
        ahead.township_code as ahead_township_code,
        ahead.open_count as ahead_open_count
    from ranked as own
    left join ranked as ahead
        on
            own.district_code = ahead.district_code
            and own.ranked_on = ahead.ranked_on
            and own.dense_rank = ahead.dense_rank + 1
    order by own.ranked_on, own.township_code, ahead.display_order, ahead.township_code
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

looked_back as (
    {{ with_baseline('(select distinct district_code, ranked_on as day_on from ranked)') | indent(4) }}
),

-- By how much the first score stays behind the one ahead, times both denominators.
first_scores as (
    select
        pairs.ranked_on,
        pairs.township_code,
        own.numerator,
        own.denominator,
        ahead.numerator as ahead_numerator,
        ahead.denominator as ahead_denominator,
        ahead.numerator * own.denominator - own.numerator * ahead.denominator as gap,
        rules.first_indicator = 'progress_since_baseline' and pairs.ranked_on = looked_back.baseline_on as is_baseline_day
    from pairs
    inner join rules on pairs.rule_code = rules.rule_code
    inner join looked_back on pairs.district_code = looked_back.district_code and pairs.ranked_on = looked_back.day_on
    inner join {{ ref('fct_township_scores') }} as own
        on
            pairs.township_code = own.township_code
            and pairs.ranked_on = own.day_on
            and rules.first_indicator = own.indicator_code
    inner join {{ ref('fct_township_scores') }} as ahead
        on
            pairs.ahead_township_code = ahead.township_code
            and pairs.ranked_on = ahead.day_on
            and rules.first_indicator = ahead.indicator_code
    where rules.first_indicator in ('progress', 'progress_since_baseline')
),

-- Under a rule that asks first for a share of rectified problems: with k more of its problems rectified, and nothing else changed, the
-- share exceeds the one ahead as soon as k · other denominator > gap. Where k of them make the shares equal, fewer open problems decide,
-- if the rule asks for them next. Against a share of 1 all must be rectified, which makes the two equal in everything. What is rectified
-- on the baseline day itself is no progress since it: all shares stay 0, and who has nothing open then has no share at all.
moved as (
    select
        scores.ranked_on,
        scores.township_code,
        case
            when scores.is_baseline_day and (rules.second_key != 'open_count asc' or pairs.ahead_open_count <= 1) then null
            when scores.is_baseline_day then pairs.open_count - pairs.ahead_open_count + 1
            when scores.ahead_numerator >= scores.ahead_denominator then pairs.open_count
            when
                mod(scores.gap, scores.ahead_denominator) = 0
                and rules.second_key = 'open_count asc'
                and pairs.open_count - div(scores.gap, scores.ahead_denominator) < pairs.ahead_open_count
                then div(scores.gap, scores.ahead_denominator)
            else div(scores.gap, scores.ahead_denominator) + 1
        end as closures_needed_count
    from first_scores as scores
    inner join pairs on scores.ranked_on = pairs.ranked_on and scores.township_code = pairs.township_code
    inner join rules on pairs.rule_code = rules.rule_code
)

select
    pairs.ranked_on,
    pairs.district_code,
    pairs.township_code,
    pairs.rank,
    pairs.rule_code,
    pairs.ahead_township_code,
    decided.deciding_place::integer as deciding_place,
    decided.deciding_indicator,
    decided.own_numerator,
    decided.own_denominator,
    decided.ahead_numerator,
    decided.ahead_denominator,
    moved.closures_needed_count::integer as closures_needed_count
from pairs
left join decided on pairs.ranked_on = decided.ranked_on and pairs.township_code = decided.township_code
left join moved on pairs.ranked_on = moved.ranked_on and pairs.township_code = moved.township_code
