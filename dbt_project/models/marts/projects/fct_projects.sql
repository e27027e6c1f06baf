-- A withdrawal by the office stands until the office itself sends the project again without a reason for withdrawal; later rows of the
-- township do not lift it. As with problems, its rows after it are left out first.
with
versions as (
    select
        *,
        count(*) filter (where is_office) over (
            partition by district_code, project_no
            order by report_on, received_at, version_id
        ) as office_stretch
    from {{ ref('stg_project_versions') }}
),

stretches as (
    select
        *,
        first_value(is_withdrawn) over (
            partition by district_code, project_no, office_stretch
            order by report_on, received_at, version_id
        ) as opens_withdrawn
    from versions
),

current_versions as (
    select distinct on (district_code, project_no) *
    from stretches
    where is_office or office_stretch = 0 or not opens_withdrawn
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
