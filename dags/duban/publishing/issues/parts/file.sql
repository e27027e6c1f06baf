select
    submission_id, unit_code, unit_name, file_name, report_on, received_at, outcome, row_count, accepted_count, rejected_count,
    ignored_count
from ops.submissions as submission
join raw.units using (unit_code)
where
    submission.district_code = %(district)s
    and outcome is not null
    and received_at <= %(known_at)s
    and coalesce(report_on, (received_at at time zone 'Asia/Shanghai')::date) > (select previous_on from calendar)
    and coalesce(report_on, (received_at at time zone 'Asia/Shanghai')::date) <= %(day)s
