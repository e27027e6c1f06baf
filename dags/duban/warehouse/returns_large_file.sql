select not {is_held} and (
    exists (select from ops.submissions where outcome is null and file_size > %(size)s)
    or exists (
        select from ops.deliveries join ops.submissions on submission_id = subject_id
        where subject_kind = 'return' and channel = 'folder' and status = 'waiting' and file_size > %(size)s
    )
)
