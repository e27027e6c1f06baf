{{ config(materialized='table') }}

select version_id
from {{ ref('stg_problem_versions') }}
where received_at > {{ built_through() }}
