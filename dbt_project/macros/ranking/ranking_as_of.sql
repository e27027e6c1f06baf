{#-
  marts.ranking_as_of(district_code, day, known_at): the ranking of a day as it was known at a time, from every version
  in raw, with the very macros that build the marts. Readers may call it; it reads for them what they may not.
-#}
{% macro ranking_as_of() -%}
{%- set dates = builtins.ref('dim_dates') -%}
{%- set townships = builtins.ref('dim_townships') -%}
{%- set body %}
with recursive
{{ campaign_of_day() }},

rule_in_force as (
    select
        rules.rule_code,
        rules.ordering_keys
    from {{ ref('ref_ranking_rules') }} as rules
    where
        rules.district_code in ($1, '*')
        and $2 >= rules.effective_from
        and (rules.effective_to is null or $2 <= rules.effective_to)
    order by rules.district_code = '*', rules.effective_from desc
    limit 1
),

-- from the day before, or the baseline day where the rule looks back to it
days as (
    select
        campaign.district_code,
        campaign.started_on,
        campaign.ended_on,
        series.day_at::date as day_on
    from campaign
    cross join rule_in_force
    cross join lateral (
        {{ with_baseline("(select campaign.district_code, $2 as day_on)") | indent(8) }}
    ) as looked_back
    cross join
        lateral generate_series(
            (
                case
                    when rule_in_force.ordering_keys like '%since_baseline%' then looked_back.baseline_on
                    else greatest(campaign.started_on, $2 - 1)
                end
            )::timestamp,
            $2::timestamp,
            interval '1 day'
        ) as series (day_at)
),

{{ states_as_of('days') }},

counts as (
    {{ township_counts('states') | indent(4) }}
),

units as (
    select
        townships.district_code,
        townships.township_code,
        days.day_on
    from days
    inner join {{ townships }} as townships on days.district_code = townships.district_code
),

reports as (
    select
        unit_code,
        report_on,
        received_at,
        {{ is_report('outcome', 'is_demanded') }} as is_report
    from {{ source('ops', 'submissions') }}
    where outcome is not null
),

township_days as materialized (
    {{ dense_township_days('units', 'counts', dates, 'reports', '$3') | indent(4) }}
),

scored_days as (
    {{ with_baseline('(select * from township_days where day_on = $2)') | indent(4) }}
),

scores as materialized (
    {{ township_scores('scored_days', 'township_days') | indent(4) }}
),

ranked_days as (
    select
        scored_days.*,
        townships.township_name,
        townships.is_ranked,
        townships.display_order,
        rule_in_force.rule_code,
        rule_in_force.ordering_keys
    from scored_days
    cross join rule_in_force
    inner join {{ townships }} as townships on scored_days.township_code = townships.township_code
),

ranked as (
    {{ ranked('ranked_days', 'scores') | indent(4) }}
)

{{ ranking_rows('ranked') }}
order by rank, display_order
{%- endset -%}
{{ keep_function(
    'ranking_as_of',
    'district_code text, day date, known_at timestamptz',
    columns_of('rpt_township_ranking'),
    body,
    'The ranking of a district on a day as it was known at a time; columns as rpt_township_ranking. '
    ~ 'Empty outside of campaigns and for days to come.'
) }}
{%- endmacro %}
