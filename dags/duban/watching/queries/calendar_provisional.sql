select
    'calendar', null, case when min(date_on) <= %(today)s then 'error' end,
    to_char(min(date_on), 'YYYY"年"FMMM"月"FMDD"日"') || '起的工作日历是推定的（固定节日以外按星期一至星期五）：还没有录入国务院的放假安排'
from marts.dim_dates
where is_provisional and date_on between %(today)s and %(today)s + %(days)s
having count(*) > 0
