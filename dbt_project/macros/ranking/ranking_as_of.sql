{#-
  marts.ranking_as_of(district_code, day, known_at): the ranking of a day as it was known at a time, from every version in raw, with the
  very macros that build the marts. Readers may call it; it reads for them what they may not.
-#}
{% macro ranking_as_of() -%}
{%- set known = 'versions.received_at <= $3' -%}
{%- set dates = builtins.ref('dim_dates') -%}
{%- set townships = builtins.ref('dim_townships') -%}
{%- set body %}
with recursive
campaign as (
    select campaigns.*
    from {{ ref('stg_campaigns') }} as campaigns
    where campaigns.district_code = $1 and $2 between campaigns.started_on and campaigns.ended_on and $2 <= {{ today() }}
),

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
            (case when rule_in_force.ordering_keys like '%since_baseline%' then looked_back.baseline_on else greatest(campaign.started_on, $2 - 1) end)::timestamp,
            $2::timestamp,
            interval '1 day'
        ) as series (day_at)
),

-- every problem number once, by leaps through the index
problem_numbers as (
    (
        select versions.problem_no
        from {{ source('raw', 'problem_versions') }} as versions
        where versions.district_code = $1
        order by versions.problem_no
        limit 1
    )
    union all
    select (
        select versions.problem_no
        from {{ source('raw', 'problem_versions') }} as versions
        where versions.district_code = $1 and versions.problem_no > problem_numbers.problem_no
        order by versions.problem_no
        limit 1
    )
    from problem_numbers
    where problem_numbers.problem_no is not null
),

visit_versions as (
    select distinct on (versions.unit_code, versions.record_no) versions.*
    from {{ source('raw', 'visit_versions') }} as versions
    where versions.district_code = $1 and {{ known }}
    order by versions.unit_code, versions.record_no, versions.report_on desc, versions.received_at desc, versions.version_id desc
),

visits as materialized (
    select
        district_code,
        problem_no,
        visited_on,
        true as is_reopening
    from visit_versions
    where {{ is_reopening('verdict') }} and problem_no is not null and void_reason is null
),

asked as (
    select
        days.*,
        problem_numbers.problem_no
    from days
    cross join problem_numbers
    where problem_numbers.problem_no is not null
),

states as materialized (
    {{ problem_states('asked', source('raw', 'problem_versions'), 'visits', known) | indent(4) }}
),

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
        {{ is_accepted('outcome') }} as is_accepted
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
    'rpt_township_ranking',
    body,
    'The ranking of a district on a day as it was known at a time; columns as rpt_township_ranking. Empty outside of campaigns and for days to come.'
) }}
{%- endmacro %}
