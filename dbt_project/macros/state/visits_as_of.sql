{#- marts.visits_as_of(district_code, day, known_at): the supervision visits of a district up to a day as they were known at a time. -#}
{% macro visits_as_of() -%}
{%- set body %}
with
visit_versions as (
    {{ known_visits() | indent(4) }}
)

select
    district_code,
    unit_code as group_code,
    record_no,
    visited_on,
    township_code,
    problem_no,
    verdict,
    submission_id,
    source_file,
    source_sheet,
    source_row
from visit_versions
where void_reason is null and visited_on <= $2
order by visited_on, group_code, record_no
{%- endset -%}
{{ keep_function(
    'visits_as_of',
    'district_code text, day date, known_at timestamptz',
    [
        {'name': 'district_code', 'data_type': 'text'},
        {'name': 'group_code', 'data_type': 'text'},
        {'name': 'record_no', 'data_type': 'text'},
        {'name': 'visited_on', 'data_type': 'date'},
        {'name': 'township_code', 'data_type': 'text'},
        {'name': 'problem_no', 'data_type': 'text'},
        {'name': 'verdict', 'data_type': 'text'},
        {'name': 'submission_id', 'data_type': 'text'},
        {'name': 'source_file', 'data_type': 'text'},
        {'name': 'source_sheet', 'data_type': 'text'},
        {'name': 'source_row', 'data_type': 'integer'},
    ],
    body,
    'The supervision visits of a district up to a day as they were known at a time, each with the file, sheet and row that counts'
) }}
{%- endmacro %}
