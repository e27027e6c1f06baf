{{
    config(
        materialized='table',
        indexes=[{'columns': ['version_id'], 'unique': true}]
    )
}}

select version_id
from {{ ref('stg_problem_versions') }}
where {{ has_new_texts() }}
