-- The current version of a movement is taken before withdrawn movements are left out: a later version may withdraw an earlier one.
with
current_versions as (
    select distinct on (unit_code, movement_no) *
    from {{ ref('stg_fund_movement_versions') }}
    order by unit_code, movement_no, report_on desc, received_at desc, version_id desc
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
