{#-
  marts.problems_as_of(district_code, day, known_at): every problem that is assigned on a day, as it was known at a
  time: the problems by name behind the figures of ranking_as_of. Where each stands in its ledger leads back to file,
  sheet and row.
-#}
{% macro problems_as_of() -%}
{%- set dates = builtins.ref('dim_dates') -%}
{%- set body %}
with recursive
{{ campaign_of_day() }},

-- the day before tells what is new
days as (
    select
        campaign.district_code,
        campaign.started_on,
        campaign.ended_on,
        series.day_at::date as day_on
    from campaign
    cross join
        lateral generate_series(
            greatest(campaign.started_on, $2 - 1)::timestamp,
            $2::timestamp,
            interval '1 day'
        ) as series (day_at)
),

{{ states_as_of('days') }}

select
    states.district_code,
    states.problem_no,
    states.township_code,
    versions.village_code,
    versions.source,
    versions.category,
    versions.description,
    versions.department,
    versions.measures,
    versions.leader_name,
    states.found_on,
    states.due_on,
    states.is_rectified,
    not states.is_rectified and states.due_on < states.day_on as is_overdue,
    states.is_reopened,
    earlier.problem_no is null as is_found,
    states.is_rectified and earlier.is_rectified is not true as is_closed,
    coalesce(not states.is_rectified and earlier.is_rectified, false) as is_relapsed,
    case when states.is_rectified then 0 else now_on.working_day_number - found.working_day_number end as open_workdays,
    versions.submission_id,
    versions.source_file,
    versions.source_sheet,
    versions.source_row
from states
left join states as earlier on states.problem_no = earlier.problem_no and states.day_on = earlier.day_on + 1
inner join {{ source('ledgers', 'problems') }} as versions on states.version_id = versions.version_id
inner join {{ dates }} as now_on on states.day_on = now_on.date_on
inner join {{ dates }} as found on states.found_on = found.date_on
where states.day_on = $2
order by states.township_code, states.problem_no
{%- endset -%}
{{ keep_function(
    'problems_as_of',
    'district_code text, day date, known_at timestamptz',
    [
        {'name': 'district_code', 'data_type': 'text'},
        {'name': 'problem_no', 'data_type': 'text'},
        {'name': 'township_code', 'data_type': 'text'},
        {'name': 'village_code', 'data_type': 'text'},
        {'name': 'source', 'data_type': 'text'},
        {'name': 'category', 'data_type': 'text'},
        {'name': 'description', 'data_type': 'text'},
        {'name': 'department', 'data_type': 'text'},
        {'name': 'measures', 'data_type': 'text'},
        {'name': 'leader_name', 'data_type': 'text'},
        {'name': 'found_on', 'data_type': 'date'},
        {'name': 'due_on', 'data_type': 'date'},
        {'name': 'is_rectified', 'data_type': 'boolean'},
        {'name': 'is_overdue', 'data_type': 'boolean'},
        {'name': 'is_reopened', 'data_type': 'boolean'},
        {'name': 'is_found', 'data_type': 'boolean'},
        {'name': 'is_closed', 'data_type': 'boolean'},
        {'name': 'is_relapsed', 'data_type': 'boolean'},
        {'name': 'open_workdays', 'data_type': 'integer'},
        {'name': 'submission_id', 'data_type': 'text'},
        {'name': 'source_file', 'data_type': 'text'},
        {'name': 'source_sheet', 'data_type': 'text'},
        {'name': 'source_row', 'data_type': 'integer'},
    ],
    body,
    'The problems assigned in a district on a day as they were known at a time: is_found, is_closed, '
    ~ 'is_relapsed are changes of the day. Empty outside of campaigns and for days to come.'
) }}
{%- endmacro %}
