-- A withdrawal by the office stands until the office itself sends the project again without a reason for withdrawal; later rows of the
-- township do not lift it. As with problems, its rows after it are left out first.
with
numbered as (
    select
        *,
        row_number() over (
            partition by district_code, project_no
            order by report_on, received_at, version_id
        ) as version_place
    from {{ ref('stg_project_versions') }}
),

placed as (
    select
        *,
        max(version_place) filter (where is_office) over so_far as last_office_place,
        max(version_place) filter (where is_withdrawn) over so_far as last_withdrawn_place
    from numbered
    window so_far as (
        partition by district_code, project_no
        order by report_on, received_at, version_id
    )
),

current_versions as (
    select distinct on (district_code, project_no) *
    from placed
    where is_office or last_withdrawn_place is null or last_withdrawn_place < last_office_place
    order by district_code, project_no, report_on desc, received_at desc, version_id desc
)

select
    district_code,
    township_code,
    project_no,
    project_name,
    category,
    place,
    responsible_unit,
    planned_yuan,
    planned_start_on,
    planned_finish_on,
    actual_start_on,
    actual_finish_on,
    accepted_on,
    progress_pct,
    case
        when accepted_on is not null then 'accepted'
        when actual_finish_on is not null then 'finished'
        when actual_start_on is not null then 'started'
        else 'not_started'
    end as stage,
    submission_id
from current_versions
where not is_withdrawn
