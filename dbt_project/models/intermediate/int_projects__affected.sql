{{
    config(
        materialized='table',
        indexes=[{'columns': ['district_code', 'project_no'], 'unique': true}]
    )
}}

-- Projects reported anew, and those that movements which arrived name or named.
select
    district_code,
    project_no
from {{ ref('stg_project_versions') }}
where received_at > {{ built_through() }}
union
select
    versions.district_code,
    versions.project_no
from {{ ref('int_fund_movements__arrived') }} as arrived
inner join {{ ref('stg_fund_movement_versions') }} as versions
    on arrived.unit_code = versions.unit_code and arrived.movement_no = versions.movement_no
where versions.project_no is not null
