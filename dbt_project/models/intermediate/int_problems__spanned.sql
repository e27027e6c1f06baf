{#- A table, because every build reads it more than once. -#}
{{
    config(
        materialized='table',
        indexes=[{'columns': ['district_code', 'problem_no', 'first_on'], 'unique': true}]
    )
}}

with
reopenings as (
    select
        district_code,
        problem_no,
        array_agg(distinct visited_on) as visited_days
    from {{ ref('int_visits__current') }}
    where is_reopening and problem_no is not null
    group by district_code, problem_no
),

versions as (
    select
        versions.district_code,
        versions.problem_no,
        versions.township_code,
        versions.found_on,
        versions.due_on,
        versions.status,
        versions.rectified_on,
        versions.report_on,
        versions.valid_from_on,
        versions.valid_until_on,
        (
            select max(days.visited_on) from unnest(reopenings.visited_days) as days (visited_on)
            where days.visited_on <= versions.valid_from_on
        ) as last_reopened_on,
        (
            select min(days.visited_on) from unnest(reopenings.visited_days) as days (visited_on)
            where
                days.visited_on > versions.valid_from_on
                and (versions.valid_until_on is null or days.visited_on < versions.valid_until_on)
        ) as next_reopened_on
    from {{ ref('int_problem_versions__validity') }} as versions
    left join reopenings
        on versions.district_code = reopenings.district_code and versions.problem_no = reopenings.problem_no
    where versions.status != 'void'
),

-- docs/rules.md, ranking rule: after a reopening visit only a report of a later date with a completion not before the visit closes the problem again.
-- While a version stands, the first such visit opens the problem to the end of the version, whatever further visits find.
states as (
    select
        district_code,
        problem_no,
        township_code,
        found_on,
        due_on,
        valid_from_on as span_from_on,
        least(next_reopened_on, valid_until_on) as span_until_on,
        last_reopened_on is not null as is_reopened,
        status = 'rectified' and (
            last_reopened_on is null
            or (report_on > last_reopened_on and rectified_on >= last_reopened_on)
        ) as is_rectified
    from versions
    union all
    select
        district_code,
        problem_no,
        township_code,
        found_on,
        due_on,
        next_reopened_on as span_from_on,
        valid_until_on as span_until_on,
        true as is_reopened,
        false as is_rectified
    from versions
    where next_reopened_on is not null
),

-- Only the days of the campaign in which the problem was found, up to today.
campaign_spans as (
    select
        states.district_code,
        states.problem_no,
        states.township_code,
        campaigns.started_on as campaign_started_on,
        states.found_on,
        states.due_on,
        states.is_rectified,
        states.is_reopened,
        greatest(states.span_from_on, states.found_on) as first_on,
        least(states.span_until_on - 1, campaigns.ended_on, {{ today() }}) as last_on
    from states
    inner join {{ ref('stg_campaigns') }} as campaigns
        on
            states.district_code = campaigns.district_code
            and states.found_on between campaigns.started_on and campaigns.ended_on
),

-- New and closed are asked of the problem: one that is handed to another township was not found, and not closed, by that.
neighbours as (
    select
        *,
        lag(last_on) over of_problem as previous_last_on,
        lag(is_rectified) over of_problem as was_rectified
    from campaign_spans
    where first_on <= last_on
    window of_problem as (
        partition by district_code, problem_no, campaign_started_on
        order by first_on
    )
)

select
    district_code,
    problem_no,
    township_code,
    campaign_started_on,
    first_on,
    last_on,
    found_on,
    due_on,
    is_rectified,
    is_reopened,
    previous_last_on is distinct from first_on - 1 as is_new,
    is_rectified and (previous_last_on is distinct from first_on - 1 or not was_rectified) as is_newly_closed
from neighbours
