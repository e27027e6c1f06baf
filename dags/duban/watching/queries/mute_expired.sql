select
    'mute/' || mute_id, null, null,
    '静音已于 ' || to_char(muted_until, 'FMMM"月"FMDD"日"') || '到期：' || check_code || coalesce(' ' || subject, '') || '，恢复提醒'
from ops.watch_mutes
where ended_at is null and muted_until < %(today)s and muted_until >= coalesce(%(reported_before)s::date, %(today)s - 1)
order by mute_id
