"""The checks that are queries. Each returns, per finding: subject, district_code, severity (null: that of the check), text in Chinese.

A text names units, rules, days and numbers. It holds no person, no file name and nothing that a sender wrote: it goes to groups and to BI.
Parameters: `now`, `today`, `since` (the beginning of yesterday), `accepted`, `reported_before` (day of the report before, or null), `rules`
and `ledgers` (wording by id, as JSON), and the thresholds of the check. Days are those of Shanghai, as in every session of the warehouse.
"""

from __future__ import annotations

# Townships owe a ledger every working day that began after they were registered: nobody can have sent one before. Groups go out when they
# are sent, the office corrects when it must.
LATE_UNITS = """
with last_day as (
    select max(date_on) as day_on from marts.dim_dates where is_working_day and date_on < %(today)s
),

expected as (
    select
        unit.unit_code, unit.unit_name, unit.district_code, last_day.day_on,
        greatest(campaign.started_on, unit.registered_at::date + 1) as started_on,
        (
            select max(report_on) from ops.submissions as sent
            where sent.unit_code = unit.unit_code and outcome = any(%(accepted)s) and is_demanded is not false
                and report_on <= %(today)s
        ) as reported_on
    from raw.units as unit
    join raw.campaigns as campaign using (district_code)
    join last_day on last_day.day_on between campaign.started_on and campaign.ended_on
    where unit.unit_kind = 'township'
),

late as (
    select
        expected.*,
        (
            select count(*) from marts.dim_dates
            where is_working_day and date_on between started_on and day_on and date_on > coalesce(reported_on, '-infinity')
        ) as missed_days
    from expected
)

select
    unit_code, district_code, case when missed_days >= %(error_workdays)s then 'error' end,
    unit_name || '已 ' || missed_days || ' 个工作日没有报送，'
    || coalesce('最近一次填报 ' || to_char(reported_on, 'FMMM"月"FMDD"日"'), '还没有报送过')
from late
where missed_days >= %(warning_workdays)s
order by missed_days desc, unit_code
"""

REJECTED_FILES = """
with reasons as (
    select file.district_code, file.unit_code, rejected.rule_id, count(distinct file.submission_id) as file_count
    from ops.submissions as file
    join quarantine.rejected_rows as rejected using (submission_id)
    where file.outcome = 'rejected' and file.received_at >= %(since)s and file.received_at <= %(now)s
    group by file.district_code, file.unit_code, rejected.rule_id
)

select
    unit.unit_code, unit.district_code, null,
    unit.unit_name || '有 '
    || (
        select count(*) from ops.submissions as file
        where file.unit_code = unit.unit_code and outcome = 'rejected' and received_at >= %(since)s and received_at <= %(now)s
    )
    || ' 个文件整份退回：'
    || string_agg(rule_id || coalesce(' ' || (%(rules)s::jsonb ->> rule_id), ''), '；' order by file_count desc, rule_id)
from reasons
join raw.units as unit using (unit_code)
group by unit.unit_code, unit.district_code, unit.unit_name
order by unit.unit_code
"""

REJECTED_ROWS = """
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
"""

RULE_NEVER_FIRES = """
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
"""

RULE_SUDDENLY_FIRES = """
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
"""

BUILD_FAILED = """
select
    'build', null, null,
    to_char(max(finished_at), 'FMMM"月"FMDD"日" HH24:MI') || ' 的数据更新失败，已连续 ' || count(*) || ' 次；'
    || coalesce(
        '各项数字仍是 '
        || (select to_char(max(finished_at), 'FMMM"月"FMDD"日" HH24:MI') from ops.builds where is_success) || ' 的', '还没有成功过'
    )
from ops.builds
where not is_success and build_id > coalesce((select max(build_id) from ops.builds where is_success), 0)
having count(*) > 0
"""

BUILD_OVERDUE = """
select
    'build', null, null,
    coalesce('最近一次成功的数据更新是 ' || to_char(built.at, 'FMMM"月"FMDD"日" HH24:MI'), '数据还没有成功更新过')
    || '，每天 00:05 应当更新一次'
from (select max(finished_at) as at from ops.builds where is_success) as built
where coalesce(built.at, '-infinity') < %(now)s - make_interval(hours => %(hours)s)
"""

# A file whose original was sent again, as a whole, is made good.
LANDED_FILES = """
select
    taken.submission_id, taken.unit_code, unit_name, taken.district_code, file_sha256, taken.file_size, taken.is_whole,
    taken.claimed_at >= %(now)s - make_interval(days => %(hashed_days)s)
from ops.submissions as taken
join raw.units using (unit_code)
where not exists (
    select from ops.submissions as again
    where
        (again.unit_code, again.file_size, again.file_mtime_ns) = (taken.unit_code, taken.file_size, taken.file_mtime_ns)
        and again.is_whole and again.claimed_at > taken.claimed_at
)
order by taken.submission_id
"""

UNREMOVED = "select submission_id from ops.submissions where removed_at is null and submission_id = any(%(ids)s)"

ISSUE_HELD = """
select
    concat_ws('/', held.district_code, series, business_on, case when is_correction then 'correction' end), held.district_code, null,
    district_name || to_char(business_on, 'FMMM"月"FMDD"日"') || '的'
    || case series when 'daily' then '日通报' when 'weekly' then '周调度' else '月调度' end
    || case when is_correction then '（更正）' else '' end
    || '自 ' || to_char(held_at, 'FMMM"月"FMDD"日" HH24:MI') || ' 暂缓：'
    || (select string_agg(distinct split_part(reason, '：', 1), '、') from unnest(reasons) as reason)
from ops.held_issues as held
join raw.districts using (district_code)
where ended_at is null and held_at <= %(now)s - make_interval(mins => %(minutes)s)
order by held_at
"""

DELIVERY_FAILED = """
select
    delivery_id::text, delivery.district_code, null,
    '第 ' || delivery_id || ' 号发送（'
    || case subject_kind when 'issue' then '通报' when 'return' then '退回单' else '监测报告' end || '，' || channel || '）'
    || case status when 'failed' then '没有送达，已停止重试' else '不知道对方是否收到' end
from ops.deliveries as delivery
where status in ('failed', 'uncertain')
order by delivery_id desc
"""

# The reason is told where it is our own word about a connection; what the other side said stays in the table.
DELIVERY_WAITING = """
select
    delivery.district_code || '/' || channel, delivery.district_code, null,
    district_name || '有 ' || count(*) || ' 件等待'
    || case channel when 'folder' then '写入发文或退回目录' else '由 ' || channel || ' 发送' end
    || '，最早的已等 ' || floor(extract(epoch from %(now)s - min(created_at)) / 3600) || ' 小时'
    || coalesce('：' || string_agg(distinct last_error, '；') filter (where last_error like '未配置%%'), '')
from ops.deliveries as delivery
join raw.districts using (district_code)
where status = 'waiting' and created_at <= %(now)s - make_interval(mins => %(minutes)s)
group by delivery.district_code, district_name, channel
order by 1
"""

SLIPS_UNANSWERED = """
with newest as (
    select distinct on (unit_code) unit_code, district_code, submission_id, received_at, rejected_count, outcome
    from ops.submissions
    where
        outcome in ('rejected', 'accepted_with_rejections')
        and received_at between %(now)s - make_interval(days => %(look_back_days)s) and %(now)s
    order by unit_code, received_at desc
)

select
    newest.unit_code, newest.district_code, null,
    unit_name || to_char(newest.received_at, 'FMMM"月"FMDD"日"') || '的文件'
    || case outcome when 'rejected' then '整份退回' else '退回 ' || rejected_count || ' 行' end || '，至今没有改好再报'
from newest
join raw.units using (unit_code)
where
    (
        select count(*) from marts.dim_dates
        where is_working_day and date_on > newest.received_at::date and date_on <= %(today)s
    ) >= %(workdays)s
    and not exists (
        select from ops.submissions as later
        where
            later.unit_code = newest.unit_code and later.received_at > newest.received_at
            and (later.outcome = 'accepted' or later.corrects_id = newest.submission_id)
    )
order by newest.unit_code
"""

CALENDAR_PROVISIONAL = """
select
    'calendar', null, case when min(date_on) <= %(today)s then 'error' end,
    to_char(min(date_on), 'YYYY"年"FMMM"月"FMDD"日"') || '起的工作日历是推定的（固定节日以外按星期一至星期五）：还没有录入国务院的放假安排'
from marts.dim_dates
where is_provisional and date_on between %(today)s and %(today)s + %(days)s
having count(*) > 0
"""

MUTE_EXPIRED = """
select
    'mute/' || mute_id, null, null,
    '静音已于 ' || to_char(muted_until, 'FMMM"月"FMDD"日"') || '到期：' || check_code || coalesce(' ' || subject, '') || '，恢复提醒'
from ops.watch_mutes
where ended_at is null and muted_until < %(today)s and muted_until >= coalesce(%(reported_before)s::date, %(today)s - 1)
order by mute_id
"""

#: Not among the checks: `facts.py` makes one item of each line. By stage: how many files, and when the oldest arrived.
UNSHOWN_FILES = """
with through as (
    select
        coalesce((select max(through_received_at) from ops.builds where is_success), '-infinity') as built,
        coalesce((select max(through_received_at) from ops.live_pages), '-infinity') as shown,
        %(now)s - make_interval(mins => %(minutes)s) as deadline
)

select 'judging', count(*), min(claimed_at) from ops.submissions, through
where outcome is null and claimed_at <= deadline having count(*) > 0
union all
select 'build', count(*), min(claimed_at) from ops.submissions, through
where received_at > built and outcome = any(%(accepted)s) and claimed_at <= deadline having count(*) > 0
union all
select 'page', count(*), min(claimed_at) from ops.submissions, through
where received_at > shown and received_at <= built and outcome = any(%(accepted)s) and claimed_at <= deadline having count(*) > 0
"""

#: Likewise. Per task: how often it failed, when last, how, and whether it has succeeded since.
FAILED_TASKS = """
select
    dag_id, task_id, count(*) as failure_count, max(failed_at) as failed_at,
    (array_agg(exception_type order by failed_at desc))[1] as exception_type,
    bool_and(recovered_at is not null) as is_recovered
from ops.task_failures
where
    failed_at <= %(now)s
    and (recovered_at is null and failed_at >= %(now)s - make_interval(days => %(look_back_days)s) or failed_at >= %(since)s)
group by dag_id, task_id
order by is_recovered, dag_id, task_id
"""
