{{ config(materialized='view') }}

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
from {{ ref('stg_rejected_rows') }}
