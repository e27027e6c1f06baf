-- Ranked units by rank, then those with no task, then units outside the ranking, the departments last.
select
    line.township_code,
    line.township_name,
    line.is_ranked,
    line.township_code = line.district_code || '000' as is_office,
    line.display_order,
    line.rank,
    before.rank as previous_rank,
    line.assigned_count,
    line.rectified_count,
    line.open_count,
    line.overdue_count,
    line.reopened_count,
    line.oldest_open_workdays,
    line.rectified_pct,
    line.is_reported
from marts.rpt_township_ranking as line
left join marts.rpt_township_ranking as before
    on before.district_code = line.district_code and before.township_code = line.township_code and before.ranked_on = %(previous_on)s
where line.district_code = %(district_code)s and line.ranked_on = %(ranked_on)s
order by is_office, line.is_ranked desc, line.rank nulls last, line.display_order, line.township_code
