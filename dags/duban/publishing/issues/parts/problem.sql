select
    problem.district_code, problem_no, problem.township_code, problem.village_code, problem.source, problem.category,
    problem.description, problem.department, problem.measures, problem.leader_name, problem.found_on, problem.due_on,
    problem.is_rectified, problem.is_overdue, problem.is_reopened,
    compared.problem_no is null as is_found,
    problem.is_rectified and compared.is_rectified is not true as is_closed,
    coalesce(not problem.is_rectified and compared.is_rectified, false) as is_relapsed,
    problem.open_workdays, problem.submission_id, problem.source_file, problem.source_sheet, problem.source_row,
    village.village_name,
    %(is_of_a_day)s and compared.problem_no is not null and previous.problem_no is null as is_found_on_rest_days,
    %(is_of_a_day)s and coalesce(compared.is_rectified and previous.is_rectified is not true, false) as is_closed_on_rest_days,
    %(is_of_a_day)s and coalesce(previous.is_rectified and not compared.is_rectified, false) as is_relapsed_on_rest_days,
    compared.township_code as township_before, compared.is_rectified as was_rectified,
    previous.township_code as township_on_previous, previous.is_rectified as was_rectified_on_previous,
    compared.problem_no is null and exists (
        select from raw.problem_versions as version
        where
            version.district_code = %(district)s and version.problem_no = problem.problem_no and version.is_office
            and version.status = 'void' and version.received_at <= %(known_at)s
            and version.report_on <= (select compared_on from earlier)
    ) as is_restored
from problems as problem
left join compared using (problem_no)
left join previous using (problem_no)
left join raw.villages as village on village.village_code = problem.village_code
