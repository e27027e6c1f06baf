{{ config(tags=['reference']) }}

with
days as (
    select day_at::date as date_on
    from
        generate_series(
            timestamp '2014-01-01',  -- no ledger may name an earlier day (R02)
            date_trunc('year', {{ today() }}::timestamp) + interval '2 years' - interval '1 day',
            interval '1 day'
        ) as series (day_at)
),

last_known as (
    select max(date_trunc('year', date_on::timestamp) + interval '1 year' - interval '1 day')::date as last_known_on
    from {{ ref('ref_calendar_exceptions') }}
),

calendar as (
    select
        days.date_on,
        coalesce(exceptions.is_working_day, extract(isodow from days.date_on) <= 5) as is_working_day,
        -- a make-up day belongs to a holiday but is none
        case when not exceptions.is_working_day then exceptions.holiday_name end as holiday_name,
        days.date_on > last_known.last_known_on as is_provisional
    from days
    cross join last_known
    left join {{ ref('ref_calendar_exceptions') }} as exceptions on days.date_on = exceptions.date_on
)

select
    date_on,
    is_working_day,
    holiday_name,
    is_provisional,
    (count(*) filter (where is_working_day) over (order by date_on))::integer as working_day_number
from calendar
