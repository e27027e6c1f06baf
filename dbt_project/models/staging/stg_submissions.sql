{#-
  Ephemeral: the mart on it is a view that readers always find; a view in between, once replaced, would take it away.
-#}
{{ config(materialized='ephemeral') }}

select
    submission_id,
    district_code,
    unit_code,
    file_name,
    file_sha256,
    received_at,
    report_on,
    outcome,
    row_count,
    accepted_count,
    rejected_count,
    ignored_count,
    corrects_id,
    duplicate_of,
    {{ is_accepted('outcome') }} as is_accepted,
    {{ is_report('outcome', 'is_demanded') }} as is_report
from {{ source('ops', 'submissions') }}
where outcome is not null
