{{
    config(
        affected={
            'model': 'int_projects__affected',
            'keys': {'district_code': 'district_code', 'project_no': 'project_no'},
        },
    )
}}

-- A withdrawal by the office stands until the office itself sends the project again without a reason for withdrawal.
with
asked as (
    select
        district_code,
        project_no,
        'infinity'::date as day_on
    from {{ ref('int_projects__affected') }}
),

current_versions as (
    select version.*
    from asked
    cross join lateral (
        {{ version_on(ref('stg_project_versions'), ['district_code', 'project_no'], 'words.is_withdrawn') | indent(8) }}
    ) as version
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
    central_yuan,
    provincial_yuan,
    municipal_yuan,
    district_yuan,
    other_yuan,
    planned_start_on,
    planned_finish_on,
    actual_start_on,
    actual_finish_on,
    accepted_on,
    progress_pct,
    {{ project_stage() }} as stage,
    submission_id
from current_versions
where not is_withdrawn
