{#- Ephemeral: the mart on it is a view that readers always find; a view in between, once replaced, would take it away. -#}
{{ config(materialized='ephemeral') }}

select
    build_id,
    started_at,
    finished_at,
    through_received_at,
    is_success as is_good
from {{ source('ops', 'builds') }}
