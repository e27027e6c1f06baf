select
    date_on,
    is_working_day,
    holiday_name
from {{ source('raw', 'calendar_days') }}
