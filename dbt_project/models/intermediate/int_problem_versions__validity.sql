-- Of each report date the last arrival counts; it stands until the next report date.
with
last_of_day as (
    select distinct on (district_code, problem_no, report_on) *
    from {{ ref('int_problem_versions__effective') }}
    order by district_code, problem_no, report_on, received_at desc, version_id desc
)

select
    *,
    report_on as valid_from_on,
    lead(report_on) over (partition by district_code, problem_no order by report_on) as valid_until_on
from last_of_day
