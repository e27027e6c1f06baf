select
    problem.township_code,
    problem.problem_no,
    village.village_name,
    problem.category,
    case when %(descriptions)s then problem.description end as description,
    case when %(persons)s then problem.leader_name end as leader_name,
    problem.due_on,
    %(ranked_on)s - problem.due_on as overdue_days,
    problem.is_overdue,
    problem.is_reopened,
    problem.is_found,
    reported.status
from marts.problems_as_of(%(district_code)s, %(ranked_on)s, %(known_at)s) as problem
left join marts.dim_villages as village on village.village_code = problem.village_code
left join marts.fct_problems as reported
    on reported.district_code = problem.district_code and reported.problem_no = problem.problem_no
where not problem.is_rectified
order by problem.due_on, problem.problem_no
