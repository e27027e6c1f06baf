select
    'build', null, null,
    to_char(max(finished_at), 'FMMM"月"FMDD"日" HH24:MI') || ' 的数据更新失败，已连续 ' || count(*) || ' 次；'
    || coalesce(
        '各项数字仍是 '
        || (select to_char(max(finished_at), 'FMMM"月"FMDD"日" HH24:MI') from ops.builds where is_success) || ' 的', '还没有成功过'
    )
from ops.builds
where not is_success and build_id > coalesce((select max(build_id) from ops.builds where is_success), 0)
having count(*) > 0
