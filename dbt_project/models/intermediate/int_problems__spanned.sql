{#- A table: three marts read it in each build. -#}
{{
    config(
        materialized='table',
        indexes=[{'columns': ['district_code', 'problem_no', 'first_on'], 'unique': true}]
    )
}}

with
reopenings as (
    select distinct
        district_code,
        problem_no,
        visited_on
    from {{ ref('int_visits__current') }}
    where is_reopening and problem_no is not null
),

-- A span begins where a version begins to stand, and at the first reopening visit while it stands: further visits under the
-- same version change nothing, as only a later report can close the problem again.
starts as (
    select
        district_code,
        problem_no,
        valid_from_on,
        valid_from_on as span_from_on
    from {{ ref('int_problem_versions__validity') }}
    union all
    select
        versions.district_code,
        versions.problem_no,
        versions.valid_from_on,
        min(reopenings.visited_on) as span_from_on
    from {{ ref('int_problem_versions__validity') }} as versions
    inner join reopenings
        on
            versions.district_code = reopenings.district_code
            and versions.problem_no = reopenings.problem_no
            and versions.valid_from_on < reopenings.visited_on
            and (versions.valid_until_on is null or versions.valid_until_on > reopenings.visited_on)
    group by versions.district_code, versions.problem_no, versions.valid_from_on
),

last_visits as (
    select
        starts.district_code,
        starts.problem_no,
        starts.valid_from_on,
        starts.span_from_on,
        lead(starts.span_from_on) over (
            partition by starts.district_code, starts.problem_no
            order by starts.span_from_on
        ) as span_until_on,
        max(reopenings.visited_on) as last_reopened_on
    from starts
    left join reopenings
        on
            starts.district_code = reopenings.district_code
            and starts.problem_no = reopenings.problem_no
            and starts.span_from_on >= reopenings.visited_on
    group by starts.district_code, starts.problem_no, starts.valid_from_on, starts.span_from_on
),

-- DOMAIN §5: after a reopening visit only a report of a later date with a completion not before the visit closes the problem again.
states as (
    select
        versions.district_code,
        versions.problem_no,
        versions.township_code,
        versions.found_on,
        versions.due_on,
        last_visits.last_reopened_on is not null as is_reopened,
        versions.status = 'rectified' and (
            last_visits.last_reopened_on is null
            or (
                versions.report_on > last_visits.last_reopened_on
                and versions.rectified_on >= last_visits.last_reopened_on
            )
        ) as is_rectified,
        last_visits.span_from_on,
        last_visits.span_until_on
    from last_visits
    inner join {{ ref('int_problem_versions__validity') }} as versions
        on
            last_visits.district_code = versions.district_code
            and last_visits.problem_no = versions.problem_no
            and last_visits.valid_from_on = versions.valid_from_on
    where versions.status != 'void'
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

neighbours as (
    select
        *,
        lag(last_on) over of_township as previous_last_on,
        lag(is_rectified) over of_township as was_rectified
    from campaign_spans
    where first_on <= last_on
    window of_township as (
        partition by district_code, problem_no, township_code, campaign_started_on
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
