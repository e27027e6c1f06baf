-- The weeks of a project run on to the end of its year; those to come say nothing yet.
select
    week_ending_on,
    count(*) filter (where stage = 'not_started') as not_started_count,
    count(*) filter (where stage = 'started') as started_count,
    count(*) filter (where stage = 'finished') as finished_count,
    count(*) filter (where stage = 'accepted') as accepted_count
from marts.fct_project_weeks
where district_code = %(district_code)s and week_ending_on <= %(last_week_on)s
group by week_ending_on
order by week_ending_on desc
limit %(weeks)s
