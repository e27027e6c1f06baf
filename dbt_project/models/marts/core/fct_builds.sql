{{ config(materialized='view') }}

select
    build_id,
    started_at,
    finished_at,
    through_received_at,
    is_good
from {{ ref('stg_builds') }}
