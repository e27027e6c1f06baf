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
