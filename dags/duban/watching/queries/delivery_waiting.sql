-- The reason is told where it is our own word about a connection; what the other side said stays in the table.
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
