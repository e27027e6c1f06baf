{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        indexes=[
            {'columns': ['district_code', 'problem_no', 'township_code'], 'unique': true},
            {'columns': ['township_code']},
        ]
    )
}}

select distinct
    versions.district_code,
    versions.problem_no,
    versions.township_code
from {{ ref('stg_problem_versions') }} as versions
{% if is_incremental() -%}
where
    versions.received_at > {{ built_through() }}
    and not exists (
        select 1
        from {{ this }} as known
        where
            known.district_code = versions.district_code
            and known.problem_no = versions.problem_no
            and known.township_code = versions.township_code
    )
{%- endif %}
