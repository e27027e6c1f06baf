select
    issue.publication_id,
    issue.series,
    issue.issue_year,
    issue.issue_no,
    issue.business_on,
    issue.period_start_on,
    issue.published_at,
    issue.corrects_issue_no,
    (
        select max(later.issue_no)
        from published.publications as later
        where
            later.district_code = issue.district_code
            and later.series = issue.series
            and later.issue_year = issue.issue_year
            and later.corrects_issue_no = issue.issue_no
    ) as corrected_by_no
from published.publications as issue
where issue.district_code = %(district_code)s
order by issue.issue_year desc, issue.issue_no desc
