{{
    config(
        materialized='table',
        indexes=[{'columns': ['unit_code', 'movement_no'], 'unique': true}]
    )
}}

select distinct
    unit_code,
    movement_no
from {{ ref('stg_fund_movement_versions') }}
where {{ has_new_texts() }}
