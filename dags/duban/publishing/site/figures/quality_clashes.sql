-- One line for both units, however often it was sent; none once the office handed the number over.
select max(finding.day_on) as day_on, finding.text, array_agg(distinct finding.township_code) as unit_codes
from marts.fct_findings as finding
inner join files on files.submission_id = finding.submission_id
where
    finding.rule_id = 'W33'
    and not exists (
        select from marts.fct_problems as problem
        where
            problem.district_code = finding.district_code
            and problem.problem_no = finding.subject
            and problem.township_code = files.unit_code
    )
    and not exists (
        select from marts.fct_projects as project
        where
            project.district_code = finding.district_code
            and project.project_no = finding.subject
            and project.township_code = files.unit_code
    )
group by finding.text
order by day_on desc, finding.text
