{#-
  The steps of rpt_rank_reasons. Each is a query over the one before. They are windows and looks into an index, no joins
  of what the model itself made: of that the planner knows nothing, and it guesses badly.
-#}

{#-
  What each ranked township is ordered by, in the order of its rule: arrays with one entry for each ordering key. Of
  several with one rank the first in print (place_in_rank 1) stands for all.

  ranked: ranked township-days with ordering_keys; scores: fct_township_scores.
-#}
{% macro with_ordered_scores(ranked, scores) -%}
select
    ranked.*,
    keys.*,
    row_number() over (
        partition by ranked.district_code, ranked.ranked_on, ranked.dense_rank
        order by ranked.display_order, ranked.township_code
    ) as place_in_rank
from {{ ranked }} as ranked
cross join
    lateral (
        select
            array_agg(split_part(keys.ordering_key, ' ', 1) order by keys.place) as indicators,
            array_agg(scores.order_key order by keys.place) as order_keys,
            array_agg(scores.numerator order by keys.place) as numerators,
            array_agg(scores.denominator order by keys.place) as denominators
        from unnest(string_to_array(ranked.ordering_keys, ', ')) with ordinality as keys (ordering_key, place)
        left join {{ scores }} as scores
            on
                ranked.township_code = scores.township_code
                and ranked.ranked_on = scores.day_on
                and scores.indicator_code = split_part(keys.ordering_key, ' ', 1)
    ) as keys
{%- endmacro %}


{#- Beside each township the one directly ahead, in columns ahead_…; null where nobody is. -#}
{% macro with_one_ahead(scored) -%}
select
    scored.*,
    {%- for name in ['township_code', 'open_count', 'order_keys', 'numerators', 'denominators'] %}
    max(scored.{{ name }}) filter (where scored.place_in_rank = 1) over one_rank_up as ahead_{{ name }}
    {{- ',' if not loop.last }}
    {%- endfor %}
from {{ scored }} as scored
window one_rank_up as (
    partition by scored.district_code, scored.ranked_on
    order by scored.dense_rank
    groups between 1 preceding and 1 preceding
)
{%- endmacro %}


{#-
  The first ordering key in which the two differ; by how much the very first score stays behind the one ahead, times
  both denominators (gap); whether the rule asks for open problems next; and whether it is the baseline day itself.
-#}
{% macro with_deciding_key(paired) -%}
select
    paired.*,
    first_difference.place as deciding_place,
    paired.ahead_numerators[1] * paired.denominators[1] - paired.numerators[1] * paired.ahead_denominators[1] as gap,
    split_part(paired.ordering_keys, ', ', 2) = 'open_count asc' as asks_for_open_next,
    paired.indicators[1] = 'progress_since_baseline' and looked_back.baseline_on = paired.ranked_on as is_baseline_day
from {{ paired }} as paired
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
        {{ with_baseline('(select paired.district_code, paired.ranked_on as day_on)') | indent(8) }}
    ) as looked_back
{%- endmacro %}


{#-
  How many more problems must be rectified, and nothing else changed, to end the place behind. Only under a rule that
  asks first for a share of rectified problems: with k more the share exceeds the one ahead as soon as k · other
  denominator > gap. Where k of them make the shares equal, fewer open problems decide, if the rule asks for them next.
  Against a share of 1 all must be rectified, which makes the two equal in everything. What is rectified on the baseline
  day itself is no progress since it: all shares stay 0, and who has nothing open then has no share at all.

  To be asked of a row of with_deciding_key.
-#}
{% macro closures_needed() -%}
{%- set catches_up = 'div(gap, ahead_denominators[1])' -%}
(
        case
            when gap is null or indicators[1] not in ('progress', 'progress_since_baseline') then null
            when is_baseline_day and not (asks_for_open_next and ahead_open_count > 1) then null
            when is_baseline_day then open_count - ahead_open_count + 1
            when ahead_numerators[1] >= ahead_denominators[1] then open_count
            when
                asks_for_open_next
                and mod(gap, ahead_denominators[1]) = 0
                and open_count - {{ catches_up }} < ahead_open_count
                then {{ catches_up }}
            else {{ catches_up }} + 1
        end
    )::integer
{%- endmacro %}
