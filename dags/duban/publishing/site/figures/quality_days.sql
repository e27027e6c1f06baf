select
    report_on,
    count(*) filter (where outcome = 'accepted') as accepted_files,
    count(*) filter (where outcome = 'accepted_with_rejections') as partly_files,
    count(*) filter (where outcome = 'rejected') as rejected_files,
    count(*) filter (where outcome = 'duplicate') as duplicate_files,
    coalesce(sum(accepted_count + rejected_count), 0)::integer as judged_rows,
    coalesce(sum(rejected_count), 0)::integer as rejected_rows
from files
group by report_on
order by report_on desc nulls last
