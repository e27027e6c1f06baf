-- A version stands until the next one, hence on no day at all when the next one has the same report date: of those the last arrival counts.
with
followed as (
    select
        *,
        report_on as valid_from_on,
        lead(report_on) over (
            partition by district_code, problem_no
            order by report_on, received_at, version_id
        ) as valid_until_on
    from {{ ref('int_problem_versions__effective') }}
)

select *
from followed
where valid_until_on is null or valid_until_on > valid_from_on
