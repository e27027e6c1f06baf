{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['district_code', 'project_no'],
        indexes=[{'columns': ['district_code', 'project_no'], 'unique': true}]
    )
}}

select
    arrived.district_code,
    arrived.project_no,
    first_report.reported_on as first_reported_on
from (
    select distinct
        district_code,
        project_no
    from {{ ref('stg_project_versions') }}
    where received_at > {{ built_through() }}
) as arrived
cross join lateral (
    select min(versions.report_on) as reported_on
    from {{ ref('stg_project_versions') }} as versions
    where versions.district_code = arrived.district_code and versions.project_no = arrived.project_no
) as first_report
