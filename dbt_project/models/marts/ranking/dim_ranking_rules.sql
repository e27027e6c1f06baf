{{ config(tags=['reference']) }}

select
    rule_code,
    district_code,
    effective_from,
    effective_to,
    ordering_keys,
    description,
    wording
from {{ ref('ref_ranking_rules') }}
where effective_from is not null
