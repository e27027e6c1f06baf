-- A file whose original was sent again, as a whole, is made good.
select
    taken.submission_id, taken.unit_code, unit_name, taken.district_code, file_sha256, taken.file_size, taken.is_whole,
    taken.claimed_at >= %(now)s - make_interval(days => %(hashed_days)s)
from ops.submissions as taken
join raw.units using (unit_code)
where not exists (
    select from ops.submissions as again
    where
        (again.unit_code, again.file_size, again.file_mtime_ns) = (taken.unit_code, taken.file_size, taken.file_mtime_ns)
        and again.is_whole and again.claimed_at > taken.claimed_at
)
order by taken.submission_id
