{{
    config(
        materialized='work_table',
        indexes=[{'columns': ['district_code', 'project_no'], 'unique': true}]
    )
}}

-- Projects reported anew, or in whose texts a name was masked, and those that movements which arrived name or named.
select
    district_code,
    project_no
from {{ arrived('projects') }} as arrived
union
select
    versions.district_code,
    versions.project_no
from {{ arrived('funds') }} as arrived
inner join {{ versions_of('funds') }} as versions
    on arrived.unit_code = versions.unit_code and arrived.movement_no = versions.movement_no
where versions.project_no is not null
