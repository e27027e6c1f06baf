{{
    config(
        affected={
            'model': 'int_ranking_days__affected',
            'keys': {'district_code': 'district_code', 'ranked_on': 'ranked_on'},
        },
    )
}}

-- Windows and looks into an index, no joins of what this model itself made: of that the planner knows nothing, and it guesses badly.
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

-- what each is ordered by, in the order of the rule; of several with one rank the first in print stands for all
scored as (
    select
        ranked.*,
        keys.*,
        row_number() over (
            partition by ranked.district_code, ranked.ranked_on, ranked.dense_rank
            order by ranked.display_order, ranked.township_code
        ) as place_in_rank
    from ranked
    cross join
        lateral (
            select
                array_agg(split_part(keys.ordering_key, ' ', 1) order by keys.place) as indicators,
                array_agg(scores.order_key order by keys.place) as order_keys,
                array_agg(scores.numerator order by keys.place) as numerators,
                array_agg(scores.denominator order by keys.place) as denominators
            from unnest(string_to_array(ranked.ordering_keys, ', ')) with ordinality as keys (ordering_key, place)
            left join {{ ref('fct_township_scores') }} as scores
                on
                    ranked.township_code = scores.township_code
                    and ranked.ranked_on = scores.day_on
                    and scores.indicator_code = split_part(keys.ordering_key, ' ', 1)
        ) as keys
),

paired as (
    select
        scored.*,
        max(scored.township_code) filter (where scored.place_in_rank = 1) over one_rank_up as ahead_township_code,
        max(scored.open_count) filter (where scored.place_in_rank = 1) over one_rank_up as ahead_open_count,
        max(scored.order_keys) filter (where scored.place_in_rank = 1) over one_rank_up as ahead_order_keys,
        max(scored.numerators) filter (where scored.place_in_rank = 1) over one_rank_up as ahead_numerators,
        max(scored.denominators) filter (where scored.place_in_rank = 1) over one_rank_up as ahead_denominators
    from scored
    window one_rank_up as (
        partition by scored.district_code, scored.ranked_on
        order by scored.dense_rank
        groups between 1 preceding and 1 preceding
    )
),

-- The first ordering key in which the two differ; and by how much the very first score stays behind the one ahead, times both denominators.
decided as (
    select
        paired.*,
        first_difference.place as deciding_place,
        paired.ahead_numerators[1] * paired.denominators[1] - paired.numerators[1] * paired.ahead_denominators[1] as gap,
        split_part(paired.ordering_keys, ', ', 2) = 'open_count asc' as asks_for_open_next,
        paired.indicators[1] = 'progress_since_baseline' and looked_back.baseline_on = paired.ranked_on as is_baseline_day
    from paired
    cross join
        lateral (
            select min(places.place) as place
            from generate_subscripts(paired.order_keys, 1) as places (place)
            where
                paired.ahead_township_code is not null
                and paired.order_keys[places.place] is distinct from paired.ahead_order_keys[places.place]
        ) as first_difference
    cross join
        lateral (
            {{ with_baseline('(select paired.district_code, paired.ranked_on as day_on)') | indent(12) }}
        ) as looked_back
)

-- Under a rule that asks first for a share of rectified problems: with k more of its problems rectified, and nothing else changed, the
-- share exceeds the one ahead as soon as k · other denominator > gap. Where k of them make the shares equal, fewer open problems decide,
-- if the rule asks for them next. Against a share of 1 all must be rectified, which makes the two equal in everything. What is rectified
-- on the baseline day itself is no progress since it: all shares stay 0, and who has nothing open then has no share at all.
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
    (
        case
            when gap is null or indicators[1] not in ('progress', 'progress_since_baseline') then null
            when is_baseline_day and not (asks_for_open_next and ahead_open_count > 1) then null
            when is_baseline_day then open_count - ahead_open_count + 1
            when ahead_numerators[1] >= ahead_denominators[1] then open_count
            when
                asks_for_open_next
                and mod(gap, ahead_denominators[1]) = 0
                and open_count - div(gap, ahead_denominators[1]) < ahead_open_count
                then div(gap, ahead_denominators[1])
            else div(gap, ahead_denominators[1]) + 1
        end
    )::integer as closures_needed_count
from decided
