{{
    config(
        materialized='work_table',
        indexes=[{'columns': ['district_code', 'problem_no'], 'unique': true}]
    )
}}

-- Problems about which something arrived, or in whose texts a name was masked; and when days were added to a campaign
-- of a district, all of its problems, because closed and overdue are told as of the newest day.
with
district_days as (
    select
        district_code,
        max(day_on) as newest_on
    from {{ ref('int_township_days__affected') }}
    group by district_code
),

shown as (
    {{ shown('fct_township_days', ['district_code', 'day_on']) }}
),

grown as (
    select district_days.district_code
    from district_days
    where not exists (
        select 1
        from shown
        where shown.district_code = district_days.district_code and shown.day_on = district_days.newest_on
    )
)

select
    touched.district_code,
    touched.problem_no
from {{ ref('int_problems__touched') }} as touched
union
select
    places.district_code,
    places.problem_no
from {{ ref('int_problems__placed') }} as places
inner join grown on places.district_code = grown.district_code
union
select
    district_code,
    problem_no
from {{ versions_of('problems') }} as versions
where masked_at > {{ built_through() }}
