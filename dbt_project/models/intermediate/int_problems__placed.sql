{{
    config(
        materialized='work_table',
        unique_key=['district_code', 'problem_no', 'township_code'],
        indexes=[
            {'columns': ['district_code', 'problem_no', 'township_code'], 'unique': true},
            {'columns': ['township_code']},
        ]
    )
}}

select distinct
    district_code,
    problem_no,
    township_code
from {{ versions_of('problems') }} as versions
where received_at > {{ built_through() }}
