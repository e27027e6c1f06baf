-- By stage: how many files, and when the oldest arrived. The check makes one item of each line.
with through as (
    select
        coalesce((select max(through_received_at) from ops.builds where is_success), '-infinity') as built,
        coalesce((select max(through_received_at) from ops.live_pages), '-infinity') as shown,
        %(now)s - make_interval(mins => %(minutes)s) as deadline
)

select 'judging', count(*), min(claimed_at) from ops.submissions, through
where outcome is null and claimed_at <= deadline having count(*) > 0
union all
select 'build', count(*), min(claimed_at) from ops.submissions, through
where received_at > built and outcome = any(%(accepted)s) and claimed_at <= deadline having count(*) > 0
union all
select 'page', count(*), min(claimed_at) from ops.submissions, through
where received_at > shown and received_at <= built and outcome = any(%(accepted)s) and claimed_at <= deadline having count(*) > 0
