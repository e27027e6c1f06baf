{{
    config(
        materialized='work_table',
        unique_key=['district_code', 'project_no'],
        indexes=[{'columns': ['district_code', 'project_no'], 'unique': true}]
    )
}}

select
    arrived.district_code,
    arrived.project_no,
    first_report.reported_on as first_reported_on
from {{ arrived('projects') }} as arrived
cross join lateral (
    select min(versions.report_on) as reported_on
    from {{ versions_of('projects') | indent(4) }} as versions
    where versions.district_code = arrived.district_code and versions.project_no = arrived.project_no
) as first_report
