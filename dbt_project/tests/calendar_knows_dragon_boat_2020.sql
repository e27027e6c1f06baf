-- 25 to 27 June 2020 were off and Sunday 28 was worked: two working days after the 24th up to the 29th. A year that
-- nobody has announced is provisional: Monday to Friday, but for the holidays that the law fixes.
with
expected (date_on, is_working_day, holiday_name) as (
    values
    (date '2020-06-24', true, null),
    (date '2020-06-25', false, '端午'),
    (date '2020-06-26', false, '端午'),
    (date '2020-06-27', false, '端午'),
    (date '2020-06-28', true, null),
    (date '2020-06-29', true, null)
),

-- the calendar begins with 2014 and may end before 2020 when the business date is set to an early day
calendar as (
    select *
    from {{ ref('dim_dates') }}
)

select
    expected.date_on,
    'not as published' as failure
from expected
inner join calendar on expected.date_on = calendar.date_on
where
    expected.is_working_day != calendar.is_working_day
    or expected.holiday_name is distinct from calendar.holiday_name
    or calendar.is_provisional
union all
select
    later.date_on,
    'two working days from the 24th to the 29th' as failure
from calendar as earlier
inner join calendar as later on earlier.date_on = date '2020-06-24' and later.date_on = date '2020-06-29'
where later.working_day_number - earlier.working_day_number != 2
union all
select
    date_on,
    'provisional days follow the week' as failure
from calendar
where is_provisional and is_working_day != (extract(isodow from date_on) <= 5 and holiday_name is null)
union all
select
    date_on,
    'nobody works on New Year and National Day' as failure
from calendar
where is_working_day and to_char(date_on, 'MM-DD') in ('01-01', '10-01', '10-02', '10-03')
