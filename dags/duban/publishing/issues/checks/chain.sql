-- Whoever adds up finds the same: of each unit the open problems before, and what is printed of their change, are the open problems now.
with deltas as (
    select township_code, open_count - coalesce(open_before_count, 0) as delta
    from published.ranking_rows
    where publication_id = %(issue)s
    union all
    select township_code, is_closed::integer - is_found::integer - is_relapsed::integer
    from published.problem_rows
    where publication_id = %(issue)s
    union all
    select township_before, 1
    from published.withdrawn_rows
    where publication_id = %(issue)s and not was_rectified
    union all
    select place.township_code, place.delta
    from published.problem_rows as row
    cross join lateral (values (row.township_before, 1), (row.township_code, -1)) as place (township_code, delta)
    where publication_id = %(issue)s and not row.was_rectified and row.township_before <> row.township_code
)

select concat(
    coalesce(min(line.township_name), deltas.township_code), '现有未整改', min(line.open_count), '个，比期初',
    coalesce(min(line.open_before_count), 0), '个加减新发现、重新打开、销号、撤销和调动多', sum(deltas.delta), '个'
)
from deltas
left join published.ranking_rows as line on line.township_code = deltas.township_code and line.publication_id = %(issue)s
group by deltas.township_code
having sum(deltas.delta) <> 0
