-- The current version of a record is taken before withdrawn records are left out: a later version may withdraw an earlier one.
with
current_versions as (
    select distinct on (group_code, record_no) *
    from {{ ref('stg_visit_versions') }}
    order by group_code, record_no, report_on desc, received_at desc, version_id desc
)

select
    submission_id,
    district_code,
    group_code,
    record_no,
    visited_on,
    township_code,
    problem_no,
    verdict,
    is_reopening
from current_versions
where not is_withdrawn
