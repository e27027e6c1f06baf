select coalesce((select max(received_at) from ops.submissions where outcome = any(%(accepted)s)), '-infinity')
       > coalesce((select max(through_received_at) from ops.builds where is_success), '-infinity')
   and not {is_held} and not {has_just_failed}
   and not exists (
       select from ops.builds
       where build_id = (select max(build_id) from ops.builds) and not is_success
           and finished_at > clock_timestamp() - make_interval(mins => %(minutes)s)
   )
