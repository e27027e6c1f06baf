select
    district_code,
    group_code,
    record_no,
    visited_on,
    township_code,
    problem_no,
    verdict,
    submission_id
from {{ ref('int_visits__current') }}
