select file.*
from marts.dim_townships as township
cross join lateral (
    select unit_code, file_name, received_at, report_on, outcome, accepted_count + rejected_count as judged_count, rejected_count
    from marts.fct_submissions
    where unit_code = township.township_code
    order by received_at desc
    limit %(unit_files)s
) as file
where township.district_code = %(district_code)s
