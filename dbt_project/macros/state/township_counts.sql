{#-
  What the problems of a township add up to on a day, from their states on it and on the day before. New and closed are
  asked of the problem: one that is handed to another township was not found, and not closed, by that.

  states: as problem_states gives them. A township without problems on a day has no row.
-#}
{% macro township_counts(states) -%}
select
    states.district_code,
    states.township_code,
    states.day_on,
    count(*)::integer as assigned_count,
    (count(*) filter (where states.is_rectified))::integer as rectified_count,
    (count(*) filter (where not states.is_rectified))::integer as open_count,
    (count(*) filter (where not states.is_rectified and states.due_on < states.day_on))::integer as overdue_count,
    (count(*) filter (where not states.is_rectified and states.is_reopened))::integer as reopened_count,
    (count(*) filter (where earlier.problem_no is null))::integer as found_count,
    (count(*) filter (where states.is_rectified and earlier.is_rectified is not true))::integer as closed_count,
    (count(*) filter (where states.due_on <= states.day_on))::integer as due_count,
    (count(*) filter (where states.due_on <= states.day_on and states.is_rectified))::integer as due_rectified_count,
    min(states.found_on) filter (where not states.is_rectified) as oldest_open_found_on
from {{ states }} as states
left join {{ states }} as earlier
    on
        states.district_code = earlier.district_code
        and states.problem_no = earlier.problem_no
        and states.started_on = earlier.started_on
        and states.day_on = earlier.day_on + 1
group by states.district_code, states.township_code, states.day_on
{%- endmacro %}
