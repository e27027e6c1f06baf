{{ config(materialized='view') }}

select
    finding_id,
    district_code,
    township_code,
    day_on,
    rule_id,
    subject,
    text,
    submission_id
from {{ ref('stg_findings') }}
