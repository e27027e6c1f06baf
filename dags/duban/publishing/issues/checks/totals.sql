-- Every count of the ranking equals the number of problems by name; the total of the townships is that of all problems.
with named as (
    select
        township_code,
        count(*) as assigned,
        count(*) filter (where is_rectified) as rectified,
        count(*) filter (where is_overdue) as overdue,
        count(*) filter (where is_reopened and not is_rectified) as reopened
    from published.problem_rows
    where publication_id = %(issue)s
    group by township_code
)

select concat(
    coalesce(line.township_name, named.township_code), '排名表为',
    line.assigned_count, '/', line.rectified_count, '/', line.overdue_count,
    '/', line.reopened_count, '（问题/到位/超期/退回反弹），明细为',
    coalesce(named.assigned, 0), '/', coalesce(named.rectified, 0), '/', coalesce(named.overdue, 0),
    '/', coalesce(named.reopened, 0)
)
from (select * from published.ranking_rows where publication_id = %(issue)s) as line
full join named using (township_code)
where (line.assigned_count, line.rectified_count, line.open_count, line.overdue_count, line.reopened_count)
    is distinct from (
        coalesce(named.assigned, 0), coalesce(named.rectified, 0), coalesce(named.assigned - named.rectified, 0),
        coalesce(named.overdue, 0), coalesce(named.reopened, 0)
    )
