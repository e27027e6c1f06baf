select
    delivery_id::text, delivery.district_code, null,
    '第 ' || delivery_id || ' 号发送（'
    || case subject_kind when 'issue' then '通报' when 'return' then '退回单' else '监测报告' end || '，' || channel || '）'
    || case status when 'failed' then '没有送达，已停止重试' else '不知道对方是否收到' end
from ops.deliveries as delivery
where status in ('failed', 'uncertain')
order by delivery_id desc
