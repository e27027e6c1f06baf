select
    ledger || '/' || rule_id, null, null,
    coalesce(%(ledgers)s::jsonb ->> ledger, ledger) || ' ' || rule_id || coalesce('（' || (%(rules)s::jsonb ->> rule_id) || '）', '')
    || '在 ' || sum(rows_evaluated) || ' 行里一次也没有用上'
from ops.gate_results
where judged_at <= %(now)s
group by ledger, rule_id
having
    sum(rows_failed) = 0
    and sum(rows_evaluated) >= %(min_rows)s
    and max(judged_at) - min(judged_at) >= make_interval(days => %(min_days)s)
order by ledger, rule_id
