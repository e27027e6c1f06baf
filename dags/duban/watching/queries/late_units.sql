-- Townships owe a ledger every working day that began after they were registered: nobody can have sent one before. Groups go out when they
-- are sent, the office corrects when it must.
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
