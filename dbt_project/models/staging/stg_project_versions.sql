select
    version_id,
    submission_id,
    district_code,
    unit_code,
    is_office,
    report_on,
    received_at,
    project_no,
    project_name,
    category,
    township_code,
    place,
    responsible_unit,
    planned_yuan,
    planned_start_on,
    planned_finish_on,
    actual_start_on,
    actual_finish_on,
    accepted_on,
    round(progress_pct, 1)::numeric(5, 1) as progress_pct,
    -- only the office withdraws a project
    is_office and void_reason is not null as is_withdrawn
from {{ source('raw', 'project_versions') }}
where received_at <= {{ known_through() }}
