{#- Township-days with what indicators need besides: the baseline day, from ref_ranking_baselines or the campaign. -#}
{% macro with_baseline(days) -%}
select
    days.*,
    coalesce(
        (
            select baselines.baseline_on
            from {{ ref('ref_ranking_baselines') }} as baselines
            where
                baselines.district_code in (days.district_code, '*')
                and baselines.baseline_on between campaigns.started_on and days.day_on
            order by baselines.district_code = '*', baselines.baseline_on desc
            limit 1
        ),
        campaigns.started_on
    ) as baseline_on
from {{ days }} as days
inner join {{ ref('stg_campaigns') }} as campaigns
    on days.district_code = campaigns.district_code and days.day_on between campaigns.started_on and campaigns.ended_on
{%- endmacro %}


{#-
  Township-days in the order of a rule. The ordering keys of the rule are data: indicator and direction, in order; what
  a township has no score for comes last. Ranked are units that take part and have problems; equal in all keys is the
  same rank.

  days: township-days with rule_code, ordering_keys, is_ranked; scores: as township_scores gives them.
-#}
{% macro ranked(days, scores) -%}
select
    placed.*,
    case when placed.takes_part then (rank() over by_rule)::integer end as rank,
    case when placed.takes_part then (dense_rank() over by_rule)::integer end as dense_rank
from (
    select
        days.*,
        days.is_ranked and days.assigned_count > 0 as takes_part,
        (
            select
                array_agg(
                    case when keys.ordering_key like '% desc' then -scores.order_key else scores.order_key end
                    order by keys.place
                )
            from unnest(string_to_array(days.ordering_keys, ', ')) with ordinality as keys (ordering_key, place)
            left join {{ scores }} as scores
                on
                    scores.township_code = days.township_code
                    and scores.day_on = days.day_on
                    and scores.indicator_code = split_part(keys.ordering_key, ' ', 1)
        ) as sort_keys
    from {{ days }} as days
) as placed
window by_rule as (
    partition by placed.district_code, placed.day_on, placed.rule_code, placed.takes_part
    order by placed.sort_keys
)
{%- endmacro %}


{#-
  The columns of the ranking, from ranked township-days of whole districts. Beside the official rate stands one adjusted
  for size, (Z + 10·p) / (A + 10) with p = ΣZ / ΣA of the district: a township with three problems is drawn towards its
  district. It orders nothing.
-#}
{% macro ranking_rows(ranked) -%}
select
    ranked.day_on as ranked_on,
    ranked.district_code,
    ranked.township_code,
    ranked.township_name,
    ranked.is_ranked,
    ranked.rank,
    ranked.dense_rank,
    ranked.assigned_count,
    ranked.rectified_count,
    ranked.open_count,
    ranked.overdue_count,
    ranked.reopened_count,
    ranked.oldest_open_workdays,
    {{ pct('ranked.rectified_count', 'ranked.assigned_count') }} as rectified_pct,
    {{ pct(
        '(ranked.rectified_count * sum(ranked.assigned_count) over of_district + '
        ~ var('adjustment_count') ~ ' * sum(ranked.rectified_count) over of_district)',
        '((ranked.assigned_count + ' ~ var('adjustment_count') ~ ') * sum(ranked.assigned_count) over of_district)'
    ) }} as adjusted_pct,
    ranked.is_reported,
    ranked.rule_code,
    ranked.display_order
from {{ ranked }} as ranked
window of_district as (partition by ranked.district_code, ranked.day_on)
{%- endmacro %}
