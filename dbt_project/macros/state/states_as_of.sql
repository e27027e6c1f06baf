{#-
  What the problems of district $1 were on the days of the relation `days`, as known at $3: CTEs for functions over all versions in raw. The
  last one, `states`, has the columns of problem_states.

  days: relation with district_code, day_on, and started_on, ended_on of the campaign.
-#}
{% macro states_as_of(days) -%}
{%- set known = 'versions.received_at <= $3' -%}
problem_numbers as (
    {{ numbers_of_district(source('raw', 'problem_versions'), 'problem_no', 'problem_numbers') | indent(4) }}
),

visit_versions as (
    {{ known_visits() | indent(4) }}
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
    from {{ days }} as days
    cross join problem_numbers
    where problem_numbers.problem_no is not null
),

states as materialized (
    {{ problem_states('asked', source('raw', 'problem_versions'), 'visits', known) | indent(4) }}
)
{%- endmacro %}


{#- The campaign of district $1 that holds day $2, as a CTE; none for a day to come. -#}
{% macro campaign_of_day() -%}
campaign as (
    select campaigns.*
    from {{ ref('stg_campaigns') }} as campaigns
    where campaigns.district_code = $1 and $2 between campaigns.started_on and campaigns.ended_on and $2 <= {{ today() }}
)
{%- endmacro %}


{#- The current version of each visit record of district $1, as known at $3; withdrawn ones too. -#}
{% macro known_visits() -%}
select distinct on (versions.unit_code, versions.record_no) versions.*
from {{ source('raw', 'visit_versions') }} as versions
where versions.district_code = $1 and versions.received_at <= $3
order by versions.unit_code, versions.record_no, versions.report_on desc, versions.received_at desc, versions.version_id desc
{%- endmacro %}
