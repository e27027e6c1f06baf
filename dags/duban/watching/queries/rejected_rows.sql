select
    file.district_code || '/' || rejected.ledger || '/' || rejected.rule_id, file.district_code, null,
    coalesce(%(ledgers)s::jsonb ->> rejected.ledger, rejected.ledger) || '按 ' || rejected.rule_id
    || coalesce('（' || (%(rules)s::jsonb ->> rejected.rule_id) || '）', '') || '退回 '
    || count(distinct (rejected.submission_id, rejected.sheet, rejected.row_no)) || ' 行，'
    || count(distinct file.unit_code) || ' 个单位'
from quarantine.rejected_rows as rejected
join ops.submissions as file using (submission_id)
where rejected.row_no is not null and file.received_at >= %(since)s and file.received_at <= %(now)s
group by file.district_code, rejected.ledger, rejected.rule_id
order by count(distinct (rejected.submission_id, rejected.sheet, rejected.row_no)) desc, 1
