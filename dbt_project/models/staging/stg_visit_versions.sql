select
    version_id,
    submission_id,
    district_code,
    unit_code as group_code,
    report_on,
    received_at,
    record_no,
    visited_on,
    township_code,
    problem_no,
    verdict,
    {{ is_reopening('verdict') }} as is_reopening,
    void_reason is not null as is_withdrawn
from {{ source('raw', 'visit_versions') }}
where received_at <= {{ known_through() }}
