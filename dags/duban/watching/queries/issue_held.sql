select
    concat_ws('/', held.district_code, series, business_on, case when is_correction then 'correction' end), held.district_code, null,
    district_name || to_char(business_on, 'FMMM"月"FMDD"日"') || '的'
    || case series when 'daily' then '日通报' when 'weekly' then '周调度' else '月调度' end
    || case when is_correction then '（更正）' else '' end
    || '自 ' || to_char(held_at, 'FMMM"月"FMDD"日" HH24:MI') || ' 暂缓：'
    || (select string_agg(distinct split_part(reason, '：', 1), '、') from unnest(reasons) as reason)
from ops.held_issues as held
join raw.districts using (district_code)
where ended_at is null and held_at <= %(now)s - make_interval(mins => %(minutes)s)
order by held_at
