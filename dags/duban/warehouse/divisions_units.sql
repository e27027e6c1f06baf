insert into raw.units (unit_code, district_code, unit_kind, unit_name)
select township_code, district_code, 'township', township_name from raw.townships
where district_code in (select left(township_code, 6) from division)
union all
select district_code || '000', district_code, 'office', district_name || '办公室' from raw.districts
where district_code in (select left(township_code, 6) from division)
union all
select district_code || '-' || g, district_code, 'group', '第' || right(g, 1) || '督导组'
from raw.districts, unnest(%s::text[]) g
where district_code in (select left(township_code, 6) from division)
on conflict (unit_code) do update set unit_name = excluded.unit_name where units.unit_name <> excluded.unit_name
