{{
    config(
        materialized='work_table',
        indexes=[{'columns': ['district_code', 'fund_year'], 'unique': true}]
    )
}}

-- A new version may move an amount to another year.
select distinct
    versions.district_code,
    versions.fund_year
from {{ arrived('funds') }} as arrived
inner join {{ versions_of('funds') }} as versions
    on arrived.unit_code = versions.unit_code and arrived.movement_no = versions.movement_no
