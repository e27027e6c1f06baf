insert into raw.townships (township_code, district_code, township_name, township_kind, is_ranked, display_order)
select township_code, left(township_code, 6), max(township_name),
       coalesce(max(township_kind), case when max(township_name) ~ '街道(办事处)?$' then '街道'
           when max(township_name) ~ '镇$' then '镇' when max(township_name) ~ '乡$' then '乡' else '其他' end),
       coalesce(bool_and(is_ranked), true),
       coalesce(max(display_order), row_number() over (partition by left(township_code, 6) order by township_code))
from division group by township_code
on conflict (township_code) do update set township_name = excluded.township_name, township_kind = excluded.township_kind,
    is_ranked = excluded.is_ranked, display_order = excluded.display_order
where (townships.township_name, townships.township_kind, townships.is_ranked, townships.display_order)
    is distinct from (excluded.township_name, excluded.township_kind, excluded.is_ranked, excluded.display_order)
