{{
    config(
        materialized='work_table',
        indexes=[{'columns': ['district_code', 'day_on', 'township_code'], 'unique': true}]
    )
}}

-- The township-days that this build makes anew. Whatever is shown of other days stays as it is.
with
campaign_days as (
    select
        campaigns.district_code,
        dates.date_on as day_on
    from {{ ref('stg_campaigns') }} as campaigns
    inner join {{ ref('dim_dates') }} as dates
        on dates.date_on between campaigns.started_on and least(campaigns.ended_on, {{ today() }})
),

expected as (
    select
        townships.district_code,
        townships.township_code,
        campaign_days.day_on
    from {{ ref('dim_townships') }} as townships
    inner join campaign_days on townships.district_code = campaign_days.district_code
),

shown as (
    {{ shown('fct_township_days', ['district_code', 'township_code', 'day_on']) }}
),

-- a new day, a new campaign, a new unit
missing as (
    select
        expected.district_code,
        expected.township_code,
        expected.day_on
    from expected
    left join shown
        on
            expected.district_code = shown.district_code
            and expected.township_code = shown.township_code
            and expected.day_on = shown.day_on
    where shown.day_on is null
),

-- every township that the problem was ever reported for: one that hands it over is affected as well
changed as (
    select
        places.district_code,
        places.township_code,
        campaign_days.day_on
    from {{ ref('int_problems__touched') }} as touched
    inner join {{ ref('int_problems__placed') }} as places
        on touched.district_code = places.district_code and touched.problem_no = places.problem_no
    inner join campaign_days
        on touched.district_code = campaign_days.district_code and touched.matters_from_on <= campaign_days.day_on
),

reported as (
    select
        submissions.district_code,
        submissions.unit_code as township_code,
        submissions.report_on as day_on
    from {{ ref('stg_submissions') }} as submissions
    inner join campaign_days
        on submissions.district_code = campaign_days.district_code and submissions.report_on = campaign_days.day_on
    inner join {{ ref('dim_townships') }} as townships on submissions.unit_code = townships.township_code
    where
        submissions.is_report
        and submissions.received_at > {{ built_through() }}
        and submissions.received_at <= {{ known_through() }}
)

select * from missing
union
select * from changed
union
select * from reported
