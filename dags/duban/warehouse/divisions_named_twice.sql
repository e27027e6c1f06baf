select township_code, count(distinct township_name) from division group by 1 having count(distinct township_name) > 1
union all
select village_code, count(distinct village_name) from division group by 1 having count(distinct village_name) > 1
union all
select left(township_code, 6), count(distinct district_name) from division group by 1 having count(distinct district_name) > 1
limit 1
