select asked.check_code, asked.subject from unnest(%s::text[], %s::text[]) as asked (check_code, subject)
where exists (
    select from ops.watch_mutes as mute
    where mute.ended_at is null and mute.muted_until >= %s and mute.check_code = asked.check_code
        and (mute.subject is null or asked.subject like mute.subject)
)
