{{
    config(
        materialized='work_table',
        indexes=[{'columns': ['district_code', 'problem_no', 'day_on'], 'unique': true}]
    )
}}

-- What each problem of the affected townships is on the affected days, and on the day before, from which new and closed
-- are told.
with
asked as (
    select distinct
        places.district_code,
        places.problem_no,
        days.day_on,
        campaigns.started_on,
        campaigns.ended_on
    from {{ ref('int_township_days__affected') }} as affected
    inner join {{ ref('int_problems__placed') }} as places on affected.township_code = places.township_code
    inner join {{ ref('stg_campaigns') }} as campaigns
        on
            affected.district_code = campaigns.district_code
            and affected.day_on between campaigns.started_on and campaigns.ended_on
    cross join
        lateral (
            values (affected.day_on), (affected.day_on - 1)
        ) as days (day_on)
    where days.day_on >= campaigns.started_on
)

{{ problem_states('asked', ref('fct_visits')) }}
