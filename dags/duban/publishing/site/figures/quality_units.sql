-- Townships in their order, then the office, then the groups.
select
    files.unit_code,
    unit.unit_name,
    township.township_code is not null and unit.unit_kind = 'township' as has_page,
    count(*) filter (where outcome = 'accepted') as accepted_files,
    count(*) filter (where outcome = 'accepted_with_rejections') as partly_files,
    count(*) filter (where outcome = 'rejected') as rejected_files,
    count(*) filter (where outcome = 'duplicate') as duplicate_files,
    coalesce(sum(accepted_count + rejected_count), 0)::integer as judged_rows,
    coalesce(sum(rejected_count), 0)::integer as rejected_rows
from files
inner join raw.units as unit on unit.unit_code = files.unit_code
left join marts.dim_townships as township on township.township_code = files.unit_code
group by files.unit_code, unit.unit_name, unit.unit_kind, township.township_code, township.display_order
order by township.display_order nulls last, files.unit_code
