with rates as (
    select
        ledger, rule_id,
        coalesce(sum(rows_failed) filter (where judged_at >= %(since)s), 0) as failed_now,
        coalesce(sum(rows_evaluated) filter (where judged_at >= %(since)s), 0) as rows_now,
        coalesce(sum(rows_failed) filter (where judged_at < %(since)s), 0) as failed_before,
        coalesce(sum(rows_evaluated) filter (where judged_at < %(since)s), 0) as rows_before
    from ops.gate_results
    where judged_at <= %(now)s and judged_at >= %(since)s - make_interval(days => %(compared_days)s)
    group by ledger, rule_id
)

select
    ledger || '/' || rule_id, null, null,
    coalesce(%(ledgers)s::jsonb ->> ledger, ledger) || ' ' || rule_id || coalesce('（' || (%(rules)s::jsonb ->> rule_id) || '）', '')
    || '昨天以来退回 ' || failed_now || '/' || rows_now || ' 行（' || round(failed_now * 100.0 / rows_now, 1)
    || '%%），此前 ' || %(compared_days)s || ' 天是 ' || round(failed_before * 100.0 / rows_before, 1) || '%%'
from rates
where
    failed_now >= %(min_failed_rows)s
    and rows_before >= %(min_rows_before)s
    and failed_now * 1.0 / nullif(rows_now, 0) >= %(min_share)s
    and failed_now * 1.0 / nullif(rows_now, 0) >= %(times)s * failed_before * 1.0 / rows_before
order by ledger, rule_id
