{#- Ephemeral: the mart on it is a view that readers always find; a view in between, once replaced, would take it away. -#}
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
