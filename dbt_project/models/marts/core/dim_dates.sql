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

-- of a year that the office entered its word counts, else that of the seed
exceptions as (
    select
        date_on,
        is_working_day,
        holiday_name
    from {{ ref('stg_calendar_days') }}
    union all
    select
        seeded.date_on,
        seeded.is_working_day,
        seeded.holiday_name
    from {{ ref('ref_calendar_exceptions') }} as seeded
    where
        not exists (
            select 1
            from {{ ref('stg_calendar_days') }} as entered
            where date_trunc('year', entered.date_on::timestamp) = date_trunc('year', seeded.date_on::timestamp)
        )
),

known_years as (
    select distinct date_trunc('year', date_on::timestamp) as year_at
    from exceptions
),

calendar as (
    select
        days.date_on,
        coalesce(
            exceptions.is_working_day,
            extract(isodow from days.date_on) <= 5 and fixed.holiday_name is null
        ) as is_working_day,
        -- a make-up day belongs to a holiday but is none
        case
            when not exceptions.is_working_day then exceptions.holiday_name
            else fixed.holiday_name
        end as holiday_name,
        known_years.year_at is null as is_provisional
    from days
    left join known_years on date_trunc('year', days.date_on::timestamp) = known_years.year_at
    left join exceptions on days.date_on = exceptions.date_on
    -- of a year that nobody has announced, what the law fixes is known all the same
    left join {{ ref('ref_fixed_holidays') }} as fixed
        on
            known_years.year_at is null
            and extract(month from days.date_on) = fixed.month_no
            and extract(day from days.date_on) = fixed.day_no
            and days.date_on between fixed.valid_from and coalesce(fixed.valid_to, 'infinity')
)

select
    date_on,
    is_working_day,
    holiday_name,
    is_provisional,
    (count(*) filter (where is_working_day) over (order by date_on))::integer as working_day_number
from calendar
