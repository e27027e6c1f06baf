{{ config(materialized='view') }}

select
    watched_on,
    check_code,
    subject,
    district_code,
    severity,
    text,
    first_seen_on,
    is_new,
    is_muted,
    runbook_anchor
from {{ ref('stg_watch_items') }}
