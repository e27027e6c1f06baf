update ops.deliveries
set attempt_count = attempt_count + 1, last_error = %s,
    next_attempt_at = coalesce(%s::timestamptz, clock_timestamp()) + %s
where delivery_id = %s and status = 'waiting'
