-- A row is counted once for a rule, however many of its columns the rule names.
select
    rejected.rule_id,
    rejected.ledger,
    mode() within group (order by rejected.reason) as reason,
    count(distinct rejected.submission_id) as file_count,
    count(distinct (rejected.submission_id, rejected.sheet, rejected.row_no)) filter (where rejected.row_no is not null) as row_count,
    max(files.received_at) as received_at
from marts.fct_rejected_rows as rejected
inner join files on files.submission_id = rejected.submission_id
group by rejected.rule_id, rejected.ledger
order by row_count desc, file_count desc, rejected.rule_id, rejected.ledger
