select '缺' || townships.township_name
from raw.townships
left join published.ranking_rows as line
    on line.township_code = townships.township_code and line.publication_id = %(issue)s
where townships.district_code = %(district)s and line.township_code is null
union all
select '缺不属于任何乡镇的问题一行'
where not exists (select from published.ranking_rows where publication_id = %(issue)s and township_code = %(district)s || '000')
