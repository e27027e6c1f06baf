-- A 撤销 by the office stands until the office sends another status: rows of a township that follow it are kept in raw and left out
-- here. The order of versions starts with the report date, so what a day sees is a prefix of it, and leaving a row out here
-- leaves it out on every day.
with
numbered as (
    select
        *,
        row_number() over (
            partition by district_code, problem_no
            order by report_on, received_at, version_id
        ) as version_place
    from {{ ref('stg_problem_versions') }}
),

-- all windows share one order, so that the versions are sorted once
placed as (
    select
        *,
        max(version_place) filter (where is_office) over so_far as last_office_place,
        max(version_place) filter (where is_office and status = 'void') over so_far as last_void_place
    from numbered
    window so_far as (
        partition by district_code, problem_no
        order by report_on, received_at, version_id
    )
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
from placed
where is_office or last_void_place is null or last_void_place < last_office_place
