select concat(township_name, '整改率', rectified_pct, '%%，整改到位', rectified_count, '个，问题', assigned_count, '个')
from published.ranking_rows
where
    publication_id = %(issue)s
    and (
        rectified_count not between 0 and assigned_count
        or overdue_count not between 0 and open_count
        or reopened_count not between 0 and open_count
        or (rectified_pct is null) <> (assigned_count = 0)
        or rectified_pct not between 0 and 100
    )
union all
select concat('督导覆盖率', coverage_pct, '%%，应督导', due_count, '个，已督导', visited_count, '个')
from published.supervision_rows
where publication_id = %(issue)s and (visited_count not between 0 and due_count or coverage_pct not between 0 and 100)
