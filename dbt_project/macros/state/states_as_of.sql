{#-
  What the problems of district $1 were on the days of the relation `days`, as known at $3: CTEs for functions over all
  versions in raw. The last one, `states`, has the columns of problem_states.

  days: relation with district_code, day_on, and started_on, ended_on of the campaign.
-#}
{% macro states_as_of(days) -%}
{%- set known = 'versions.received_at <= $3' -%}
problem_numbers as (
    {{ numbers_of_district(source('ledgers', 'problems'), 'problem_no', 'problem_numbers') | indent(4) }}
),

visits as materialized (
    select
        versions.district_code,
        versions.problem_no,
        versions.visited_on,
        true as is_reopening
    from {{ versions_as_of('visits', 'visited_on') | indent(4) }} as versions
    where {{ is_reopening('versions.verdict') }} and versions.problem_no is not null and not versions.is_withdrawn
),

asked as (
    select
        days.*,
        problem_numbers.problem_no
    from {{ days }} as days
    cross join problem_numbers
    where problem_numbers.problem_no is not null
),

states as materialized (
    {{ problem_states('asked', 'visits', known) | indent(4) }}
)
{%- endmacro %}


{#- The campaign of district $1 that holds day $2, as a CTE; none for a day to come. -#}
{% macro campaign_of_day() -%}
campaign as (
    select campaigns.*
    from {{ ref('stg_campaigns') }} as campaigns
    where
        campaigns.district_code = $1
        and $2 between campaigns.started_on and campaigns.ended_on
        and $2 <= {{ today() }}
)
{%- endmacro %}

