with
campaign_days as (
    select
        campaigns.district_code,
        dates.date_on as day_on,
        dates.working_day_number
    from {{ ref('stg_campaigns') }} as campaigns
    inner join {{ ref('dim_dates') }} as dates
        on dates.date_on between campaigns.started_on and least(campaigns.ended_on, {{ today() }})
),

problem_days as (
    select
        spans.*,
        spans.first_on + day_offset as day_on
    from {{ ref('int_problems__spanned') }} as spans
    cross join lateral generate_series(0, spans.last_on - spans.first_on) as series (day_offset)
),

counts as (
    select
        township_code,
        day_on,
        count(*) as assigned_count,
        count(*) filter (where is_rectified) as rectified_count,
        count(*) filter (where not is_rectified and due_on < day_on) as overdue_count,
        count(*) filter (where not is_rectified and is_reopened) as reopened_count,
        count(*) filter (where is_new and day_on = first_on) as found_count,
        count(*) filter (where is_newly_closed and day_on = first_on) as closed_count,
        min(found_on) filter (where not is_rectified) as oldest_open_found_on
    from problem_days
    group by township_code, day_on
),

reported as (
    select distinct
        unit_code,
        report_on
    from {{ ref('stg_submissions') }}
    where is_accepted
)

-- Every unit on every day, whether it sent anything or not: what is open stays open and grows older.
select
    townships.district_code,
    townships.township_code,
    campaign_days.day_on,
    coalesce(counts.assigned_count, 0)::integer as assigned_count,
    coalesce(counts.rectified_count, 0)::integer as rectified_count,
    coalesce(counts.assigned_count - counts.rectified_count, 0)::integer as open_count,
    coalesce(counts.overdue_count, 0)::integer as overdue_count,
    coalesce(counts.reopened_count, 0)::integer as reopened_count,
    coalesce(counts.found_count, 0)::integer as found_count,
    coalesce(counts.closed_count, 0)::integer as closed_count,
    -- working days after the day of finding, up to and including this day
    coalesce(campaign_days.working_day_number - oldest.working_day_number, 0)::integer as oldest_open_workdays,
    reported.unit_code is not null as is_reported
from campaign_days
inner join {{ ref('dim_townships') }} as townships
    on campaign_days.district_code = townships.district_code
left join counts
    on townships.township_code = counts.township_code and campaign_days.day_on = counts.day_on
left join {{ ref('dim_dates') }} as oldest
    on counts.oldest_open_found_on = oldest.date_on
left join reported
    on townships.township_code = reported.unit_code and campaign_days.day_on = reported.report_on
