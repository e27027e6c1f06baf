{{
    config(
        affected={
            'model': 'int_township_days__affected',
            'keys': {'district_code': 'district_code', 'township_code': 'township_code', 'day_on': 'day_on'},
        },
    )
}}

with
counts as (
    {{ township_counts(ref('int_problem_days__stated')) | indent(4) }}
)

-- Every unit on every day, whether it sent anything or not: what is open stays open and grows older.
select
    affected.district_code,
    affected.township_code,
    affected.day_on,
    coalesce(counts.assigned_count, 0) as assigned_count,
    coalesce(counts.rectified_count, 0) as rectified_count,
    coalesce(counts.open_count, 0) as open_count,
    coalesce(counts.overdue_count, 0) as overdue_count,
    coalesce(counts.reopened_count, 0) as reopened_count,
    coalesce(counts.found_count, 0) as found_count,
    coalesce(counts.closed_count, 0) as closed_count,
    coalesce(counts.due_count, 0) as due_count,
    coalesce(counts.due_rectified_count, 0) as due_rectified_count,
    -- working days after the day of finding, up to and including this day
    coalesce(dates.working_day_number - oldest.working_day_number, 0) as oldest_open_workdays,
    exists (
        select 1
        from {{ ref('stg_submissions') }} as submissions
        where
            submissions.is_accepted
            and submissions.unit_code = affected.township_code
            and submissions.report_on = affected.day_on
            and submissions.received_at <= {{ known_through() }}
    ) as is_reported
from {{ ref('int_township_days__affected') }} as affected
inner join {{ ref('dim_dates') }} as dates on affected.day_on = dates.date_on
left join counts
    on affected.township_code = counts.township_code and affected.day_on = counts.day_on
left join {{ ref('dim_dates') }} as oldest on counts.oldest_open_found_on = oldest.date_on
