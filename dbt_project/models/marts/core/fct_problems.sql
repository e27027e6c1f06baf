with
current_versions as (
    select *
    from {{ ref('int_problem_versions__validity') }}
    where valid_until_on is null
),

report_dates as (
    select
        district_code,
        problem_no,
        min(report_on) as first_reported_on,
        max(report_on) as last_reported_on
    from {{ ref('stg_problem_versions') }}
    group by district_code, problem_no
),

reopenings as (
    select
        district_code,
        problem_no,
        count(*)::integer as reopened_count
    from {{ ref('int_visits__current') }}
    where is_reopening and problem_no is not null
    group by district_code, problem_no
),

-- the newest ranking day of the campaign and what the problem was on it
newest_days as (
    select
        district_code,
        started_on,
        ended_on,
        least(ended_on, {{ today() }}) as newest_on
    from {{ ref('stg_campaigns') }}
),

newest_states as (
    select
        spans.district_code,
        spans.problem_no,
        spans.campaign_started_on,
        spans.is_rectified as is_closed,
        not spans.is_rectified and spans.due_on < newest_days.newest_on as is_overdue
    from {{ ref('int_problems__spanned') }} as spans
    inner join newest_days
        on
            spans.district_code = newest_days.district_code
            and spans.campaign_started_on = newest_days.started_on
            and newest_days.newest_on between spans.first_on and spans.last_on
)

select
    versions.district_code,
    versions.problem_no,
    versions.township_code,
    versions.village_code,
    versions.household_key,
    versions.source,
    versions.feedback_batch,
    versions.category,
    versions.description,
    versions.department,
    versions.leader_name,
    versions.found_on,
    versions.due_on,
    versions.status,
    versions.rectified_on,
    versions.void_reason,
    coalesce(newest_states.is_closed, false) as is_closed,
    coalesce(newest_states.is_overdue, false) as is_overdue,
    coalesce(reopenings.reopened_count, 0) as reopened_count,
    report_dates.first_reported_on,
    report_dates.last_reported_on,
    versions.submission_id,
    versions.source_file,
    versions.source_sheet,
    versions.source_row
from current_versions as versions
inner join report_dates
    on versions.district_code = report_dates.district_code and versions.problem_no = report_dates.problem_no
left join newest_days as campaigns
    on
        versions.district_code = campaigns.district_code
        and versions.found_on between campaigns.started_on and campaigns.ended_on
left join newest_states
    on
        versions.district_code = newest_states.district_code
        and versions.problem_no = newest_states.problem_no
        and campaigns.started_on = newest_states.campaign_started_on
left join reopenings
    on versions.district_code = reopenings.district_code and versions.problem_no = reopenings.problem_no
