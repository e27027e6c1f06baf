{#-
  marts.projects_as_of(district_code, day, known_at): the projects of a district on a day as they were known at a time,
  from every version in raw. A withdrawal by the office stands until the office sends the project again.
-#}
{% macro projects_as_of() -%}
{%- set body %}
with
current_versions as (
    select
        versions.*,
        (
            select min(reports.report_on)
            from {{ source('ledgers', 'projects') }} as reports
            where
                reports.district_code = versions.district_code
                and reports.project_no = versions.project_no
                and reports.received_at <= $3
        ) as first_reported_on
    from {{ versions_as_of('projects') | indent(4) }} as versions
    where not versions.is_withdrawn
)

select
    district_code,
    project_no,
    township_code,
    project_name,
    category,
    place,
    responsible_unit,
    planned_yuan,
    central_yuan,
    provincial_yuan,
    municipal_yuan,
    district_yuan,
    other_yuan,
    planned_start_on,
    planned_finish_on,
    actual_start_on,
    actual_finish_on,
    accepted_on,
    progress_pct,
    {{ project_stage() }} as stage,
    first_reported_on,
    submission_id,
    source_file,
    source_sheet,
    source_row
from current_versions
order by township_code, project_no
{%- endset -%}
{{ keep_function(
    'projects_as_of',
    'district_code text, day date, known_at timestamptz',
    [
        {'name': 'district_code', 'data_type': 'text'},
        {'name': 'project_no', 'data_type': 'text'},
        {'name': 'township_code', 'data_type': 'text'},
        {'name': 'project_name', 'data_type': 'text'},
        {'name': 'category', 'data_type': 'text'},
        {'name': 'place', 'data_type': 'text'},
        {'name': 'responsible_unit', 'data_type': 'text'},
        {'name': 'planned_yuan', 'data_type': 'numeric'},
        {'name': 'central_yuan', 'data_type': 'numeric'},
        {'name': 'provincial_yuan', 'data_type': 'numeric'},
        {'name': 'municipal_yuan', 'data_type': 'numeric'},
        {'name': 'district_yuan', 'data_type': 'numeric'},
        {'name': 'other_yuan', 'data_type': 'numeric'},
        {'name': 'planned_start_on', 'data_type': 'date'},
        {'name': 'planned_finish_on', 'data_type': 'date'},
        {'name': 'actual_start_on', 'data_type': 'date'},
        {'name': 'actual_finish_on', 'data_type': 'date'},
        {'name': 'accepted_on', 'data_type': 'date'},
        {'name': 'progress_pct', 'data_type': 'numeric'},
        {'name': 'stage', 'data_type': 'text'},
        {'name': 'first_reported_on', 'data_type': 'date'},
        {'name': 'submission_id', 'data_type': 'text'},
        {'name': 'source_file', 'data_type': 'text'},
        {'name': 'source_sheet', 'data_type': 'text'},
        {'name': 'source_row', 'data_type': 'integer'},
    ],
    body,
    'The projects of a district on a day as they were known at a time, each with the file, sheet and row that counts'
) }}
{%- endmacro %}
