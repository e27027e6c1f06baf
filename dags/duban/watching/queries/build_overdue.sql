select
    'build', null, null,
    coalesce('最近一次成功的数据更新是 ' || to_char(built.at, 'FMMM"月"FMDD"日" HH24:MI'), '数据还没有成功更新过')
    || '，每天 00:05 应当更新一次'
from (select max(finished_at) as at from ops.builds where is_success) as built
where coalesce(built.at, '-infinity') < %(now)s - make_interval(hours => %(hours)s)
