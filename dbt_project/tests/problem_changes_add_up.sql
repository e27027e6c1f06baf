-- Of the days that this build made anew: the problems found and closed are as many as the township-days count.
select
    days.township_code,
    days.day_on,
    days.found_count,
    days.closed_count
from {{ ref('int_township_days__affected') }} as affected
inner join {{ ref('fct_township_days') }} as days
    on affected.township_code = days.township_code and affected.day_on = days.day_on
left join {{ ref('fct_problem_changes') }} as changes
    on
        days.district_code = changes.district_code
        and days.township_code = changes.township_code
        and days.day_on = changes.day_on
group by days.township_code, days.day_on, days.found_count, days.closed_count
having
    days.found_count != count(*) filter (where changes.change = 'found')
    or days.closed_count != count(*) filter (where changes.change = 'closed')
