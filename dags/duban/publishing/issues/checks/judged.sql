-- A unit that sends nothing has nothing new to say. But what was sent and lies there unjudged for a minute must not be missing.
select concat(count(*), '份已收到的文件还没有核对完：', string_agg(distinct unit_name, '、'))
from ops.submissions
join raw.units using (unit_code)
where submissions.district_code = %(district)s and outcome is null and claimed_at < clock_timestamp() - interval '1 minute'
having count(*) > 0
