select count(*) from (
    select submission_id from ops.submissions where outcome is null
    union all
    select subject_id from ops.deliveries where subject_kind = 'return' and channel = 'folder' and status = 'waiting'
) waiting join ops.submissions using (submission_id)
where claimed_at < clock_timestamp() - make_interval(secs => %s)
