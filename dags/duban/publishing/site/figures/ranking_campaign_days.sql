-- Whoever adds up finds the same: what was open the evening before, with every change, is what is open.
with days as (
    select
        day_on,
        sum(assigned_count)::integer as assigned_count,
        sum(open_count)::integer as open_count,
        sum(found_count)::integer as found_count,
        sum(closed_count)::integer as closed_count
    from marts.fct_township_days
    where district_code = %(district_code)s and day_on between %(first_data_on)s and %(ranked_on)s
    group by day_on
),

reopened as (
    select day_on, count(*)::integer as reopened_count
    from marts.fct_problem_changes
    where district_code = %(district_code)s and change = 'reopened'
    group by day_on
)

select
    days.*,
    calendar.is_working_day,
    calendar.holiday_name,
    coalesce(reopened_count, 0) as reopened_count,
    coalesce(
        lag(open_count) over (order by day_on) + found_count + coalesce(reopened_count, 0) - closed_count - open_count, 0
    ) as removed_count
from days
left join reopened using (day_on)
inner join marts.dim_dates as calendar on calendar.date_on = days.day_on
order by day_on
