update ops.deliveries
set status = case when is_entitled then 'sending' else 'withdrawn' end,
    attempt_count = attempt_count + is_entitled::integer,
    last_error = case when not is_entitled then '收件人已停用，或发布范围已收窄' end,
    next_attempt_at = coalesce(%(now)s::timestamptz, clock_timestamp()) + %(within)s
from (
    select exists (
        select from ops.addressees
        where (subject_kind, subject_id, channel, address) = (%(kind)s, %(subject)s, %(channel)s, %(address)s)
    ) as is_entitled
) as asked
where delivery_id = %(id)s and status = 'waiting' returning status
