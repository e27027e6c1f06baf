select submission_id, unit_code, unit_name, file_name, outcome, report_on::text as report_on,
    row_count as rows, accepted_count as accepted, rejected_count as rejected, ignored_count as ignored
from ops.submissions join raw.units using (unit_code)
where received_at > coalesce(%s::timestamptz, '-infinity') order by received_at
