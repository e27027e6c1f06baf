{#-
  Ephemeral: the mart on it is a view that readers always find; a view in between, once replaced, would take it away.
-#}
{{ config(materialized='ephemeral') }}

select
    rejection_id,
    submission_id,
    unit_code,
    ledger,
    sheet,
    row_no,
    column_name,
    cell,
    rule_id,
    value_masked,
    reason,
    how_to_fix
from {{ source('quarantine', 'rejected_rows') }}
