update ops.deliveries
set status = %(status)s, note = concat_ws(chr(10), note, %(note)s::text),
    attempt_count = 0, next_attempt_at = clock_timestamp(),
    sent_at = case %(status)s when 'sent' then clock_timestamp() end
where delivery_id = %(id)s and status = any(%(among)s)
