{#-
  Ephemeral: the mart on it is a view that readers always find; a view in between, once replaced, would take it away.
-#}
{{ config(materialized='ephemeral') }}

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
from {{ source('ops', 'watch_items') }}
