{#-
  marts.supervision_as_of(district_code, day, known_at): the supervision of a day as it was known at a time, for each
  group and, with no group_code, for all of them together.
-#}
{% macro supervision_as_of() -%}
{%- set counts = [
    'due_count', 'visited_count', 'coverage_pct',
    'visit_count', 'confirmed_count', 'returned_count', 'relapsed_count', 'found_count',
] -%}
{%- set body %}
with
{{ campaign_of_day() }},

days as (
    select
        evening.*,
        evening.ranked_on as day_on
    from marts.ranking_as_of($1, $2 - 1, $3) as evening
),

visits as (
    select
        versions.*,
        versions.unit_code as group_code
    from {{ versions_as_of('visits', 'visited_on') | indent(4) }} as versions
    where not versions.is_withdrawn
),

everybody as (
    select
        campaign.district_code,
        $2 as day_on
    from campaign
),

each_group as (
    select
        everybody.*,
        units.unit_code as group_code
    from everybody
    inner join {{ ref('stg_units') }} as units on everybody.district_code = units.district_code
    where units.unit_kind = 'group'
)

select
    together.district_code,
    null::text as group_code,
    together.day_on,
    {%- for name in counts %}
    together.{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from (
    {{ supervision_days('everybody', ['district_code', 'day_on'], 'days', 'visits') | indent(4) }}
) as together
union all
select *
from (
    {{ supervision_days('each_group', ['district_code', 'group_code', 'day_on'], 'days', 'visits') | indent(4) }}
) as apart
order by group_code nulls first
{%- endset -%}
{{ keep_function(
    'supervision_as_of',
    'district_code text, day date, known_at timestamptz',
    columns_of('fct_supervision_group_days'),
    body,
    'What was visited in a district on a day as it was known at a time, by each group and, without group_code, '
    ~ 'by all of them; columns as fct_supervision_group_days. Empty outside of campaigns and for days to come.'
) }}
{%- endmacro %}
