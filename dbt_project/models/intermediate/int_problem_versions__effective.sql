-- A 撤销 by the office stands until the office sends another status: rows of a township that follow it are kept in raw and left out
-- here. The order of versions starts with the report date, so what a day sees is a prefix of it, and leaving a row out here
-- leaves it out on every day.
with
versions as (
    select
        *,
        -- numbers the stretches that each begin with a row of the office; 0: before its first
        count(*) filter (where is_office) over (
            partition by district_code, problem_no
            order by report_on, received_at, version_id
        ) as office_stretch
    from {{ ref('stg_problem_versions') }}
),

stretches as (
    select
        *,
        first_value(status) over (
            partition by district_code, problem_no, office_stretch
            order by report_on, received_at, version_id
        ) as opening_status
    from versions
)

select
    version_id,
    submission_id,
    district_code,
    problem_no,
    report_on,
    received_at,
    township_code,
    village_code,
    household_key,
    source,
    feedback_batch,
    found_on,
    category,
    description,
    department,
    leader_name,
    due_on,
    status,
    rectified_on,
    void_reason,
    source_file,
    source_sheet,
    source_row
from stretches
where is_office or office_stretch = 0 or opening_status != 'void'
