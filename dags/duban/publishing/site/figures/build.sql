with good as (
    select * from ops.builds where is_success order by build_id desc limit 1
)

select
    (select finished_at from good) as built_at,
    (select through_received_at from good) as through_received_at,
    (
        select max(finished_at) from ops.builds
        where not is_success and build_id > (select build_id from good)
    ) as failed_at
