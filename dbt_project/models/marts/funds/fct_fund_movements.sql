{{
    config(
        affected={
            'model': 'int_fund_movements__arrived',
            'keys': {'unit_code': 'unit_code', 'movement_no': 'movement_no'},
        },
        indexes=[{'columns': ['district_code', 'fund_year']}, {'columns': ['district_code', 'project_no']}],
    )
}}

-- The current version of a movement is taken before withdrawn movements are left out: a later version may withdraw an earlier one.
with
current_versions as (
    select distinct on (versions.unit_code, versions.movement_no) versions.*
    from {{ ref('int_fund_movements__arrived') }} as arrived
    inner join {{ ref('stg_fund_movement_versions') }} as versions
        on arrived.unit_code = versions.unit_code and arrived.movement_no = versions.movement_no
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
    submission_id
from current_versions
where not is_withdrawn
