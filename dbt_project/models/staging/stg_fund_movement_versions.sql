select
    version_id,
    submission_id,
    district_code,
    unit_code,
    report_on,
    received_at,
    masked_at,
    movement_no,
    fund_year,
    document_no,
    tier,
    fund_name,
    stage,
    amount_yuan,
    moved_on,
    project_no,
    township_code,
    void_reason is not null as is_withdrawn
from {{ source('raw', 'fund_movement_versions') }}
where received_at <= {{ known_through() }}
