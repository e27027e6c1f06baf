{{ config(ledger='projects') }}

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
    {{ shown_pct('progress_pct') }} as progress_pct,
    {{ project_stage() }} as stage,
    submission_id
from {{ current_versions('projects') }} as versions
