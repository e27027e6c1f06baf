{#-
  marts.movements_as_of(district_code, day, known_at): the fund movements of a district up to a day as they were known at a time; with the
  days on which money moved, as in rpt_fund_tiers, and not those on which it was reported.
-#}
{% macro movements_as_of() -%}
{%- set body %}
with
current_versions as (
    select distinct on (versions.unit_code, versions.movement_no) versions.*
    from {{ source('raw', 'fund_movement_versions') }} as versions
    where versions.district_code = $1 and versions.received_at <= $3
    order by versions.unit_code asc, versions.movement_no asc, versions.report_on desc, versions.received_at desc, versions.version_id desc
)

select
    district_code,
    unit_code,
    movement_no,
    fund_year,
    tier,
    fund_name,
    stage,
    amount_yuan,
    moved_on,
    document_no,
    project_no,
    township_code,
    submission_id,
    source_file,
    source_sheet,
    source_row
from current_versions
where void_reason is null and moved_on <= $2
order by unit_code, movement_no
{%- endset -%}
{{ keep_function(
    'movements_as_of',
    'district_code text, day date, known_at timestamptz',
    [
        {'name': 'district_code', 'data_type': 'text'},
        {'name': 'unit_code', 'data_type': 'text'},
        {'name': 'movement_no', 'data_type': 'text'},
        {'name': 'fund_year', 'data_type': 'integer'},
        {'name': 'tier', 'data_type': 'text'},
        {'name': 'fund_name', 'data_type': 'text'},
        {'name': 'stage', 'data_type': 'text'},
        {'name': 'amount_yuan', 'data_type': 'numeric'},
        {'name': 'moved_on', 'data_type': 'date'},
        {'name': 'document_no', 'data_type': 'text'},
        {'name': 'project_no', 'data_type': 'text'},
        {'name': 'township_code', 'data_type': 'text'},
        {'name': 'submission_id', 'data_type': 'text'},
        {'name': 'source_file', 'data_type': 'text'},
        {'name': 'source_sheet', 'data_type': 'text'},
        {'name': 'source_row', 'data_type': 'integer'},
    ],
    body,
    'The fund movements of a district up to a day as they were known at a time, each with the file, sheet and row that counts'
) }}
{%- endmacro %}
