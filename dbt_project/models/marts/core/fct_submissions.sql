{{ config(materialized='view') }}

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
    duplicate_of
from {{ ref('stg_submissions') }}
