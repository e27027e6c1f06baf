{{
    config(
        materialized='table',
        indexes=[{'columns': ['district_code', 'fund_year'], 'unique': true}]
    )
}}

-- A new version may move an amount to another year.
select distinct
    versions.district_code,
    versions.fund_year
from {{ ref('int_fund_movements__arrived') }} as arrived
inner join {{ ref('stg_fund_movement_versions') }} as versions
    on arrived.unit_code = versions.unit_code and arrived.movement_no = versions.movement_no
