{{ config(materialized='ephemeral') }}

-- Problems about which anything arrived since the last build, and from which day on it can matter: no version counts
-- before its report date, no visit before its own.
with
arrivals as (
    select
        district_code,
        problem_no,
        report_on as matters_from_on
    from {{ versions_of('problems') | indent(4) }} as versions
    where received_at > {{ built_through() }}
    union all
    -- a new version of a record also takes back what an earlier one said of another day or problem
    select
        versions.district_code,
        versions.problem_no,
        versions.visited_on as matters_from_on
    from {{ arrived('visits') | indent(4) }} as arrived
    inner join {{ versions_of('visits') | indent(4) }} as versions
        on arrived.unit_code = versions.unit_code and arrived.record_no = versions.record_no
    where versions.problem_no is not null
)

select
    district_code,
    problem_no,
    min(matters_from_on) as matters_from_on
from arrivals
group by district_code, problem_no
