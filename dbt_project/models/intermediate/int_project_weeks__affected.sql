{{
    config(
        materialized='work_table',
        indexes=[{'columns': ['district_code', 'project_no', 'week_ending_on'], 'unique': true}]
    )
}}

-- Weeks end on Sunday. A project has those from its first report to this one, at most to the end of the year of that
-- report (is_in_year). A late report may move that year back: the weeks after it are made anew as well, and are no
-- more.
with
shown as (
    {{ shown('fct_project_weeks', ['district_code', 'project_no', 'week_ending_on']) }}
),

weeks as (
    select
        projects.district_code,
        projects.project_no,
        series.week_ending_at::date as week_ending_on,
        series.week_ending_at <= date_trunc(
            'week', date_trunc('year', projects.first_reported_on::timestamp) + interval '1 year' - interval '1 day'
        ) + interval '6 days' as is_in_year
    from {{ ref('int_projects__known') }} as projects
    cross join
        lateral generate_series(
            date_trunc('week', projects.first_reported_on::timestamp) + interval '6 days',
            date_trunc('week', {{ today() }}::timestamp) + interval '6 days',
            interval '7 days'
        ) as series (week_ending_at)
)

select
    weeks.district_code,
    weeks.project_no,
    weeks.week_ending_on,
    weeks.is_in_year
from weeks
left join {{ ref('int_projects__affected') }} as affected
    on weeks.district_code = affected.district_code and weeks.project_no = affected.project_no
left join shown
    on
        weeks.district_code = shown.district_code
        and weeks.project_no = shown.project_no
        and weeks.week_ending_on = shown.week_ending_on
where affected.project_no is not null or (weeks.is_in_year and shown.project_no is null)
