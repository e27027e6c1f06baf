{{
    config(
        materialized='table',
        indexes=[{'columns': ['group_code', 'record_no'], 'unique': true}]
    )
}}

select distinct
    group_code,
    record_no
from {{ ref('stg_visit_versions') }}
where received_at > {{ built_through() }}
