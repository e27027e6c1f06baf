{{
    config(
        materialized='work_table',
        indexes=[{'columns': ['district_code', 'ranked_on'], 'unique': true}]
    )
}}

-- A rank depends on all townships of the day.
select distinct
    district_code,
    day_on as ranked_on
from {{ ref('int_township_days__affected') }}
