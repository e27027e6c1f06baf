{#- Ephemeral: one mart reads it. -#}
{{ config(materialized='ephemeral') }}

select
    finding_id,
    submission_id,
    district_code,
    township_code,
    day_on,
    rule_id,
    subject,
    text
from {{ source('quarantine', 'findings') }}
