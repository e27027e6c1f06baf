{{
    config(
        affected={
            'model': 'int_problems__affected',
            'keys': {'district_code': 'district_code', 'problem_no': 'problem_no'},
        },
    )
}}

with
asked as (
    select
        district_code,
        problem_no,
        'infinity'::date as day_on
    from {{ ref('int_problems__affected') }}
),

current_versions as (
    select version.*
    from asked
    cross join lateral (
        {{ version_on('problems') | indent(8) }}
    ) as version
),

-- the newest ranking day of the campaign in which the problem was found, and what the problem is on it
newest_days as (
    select
        versions.district_code,
        versions.problem_no,
        least(campaigns.ended_on, {{ today() }}) as day_on,
        campaigns.started_on,
        campaigns.ended_on
    from current_versions as versions
    inner join {{ ref('stg_campaigns') }} as campaigns
        on
            versions.district_code = campaigns.district_code
            and versions.found_on between campaigns.started_on and campaigns.ended_on
),

newest_states as (
    {{ problem_states('newest_days', ref('fct_visits')) | indent(4) }}
)

select
    versions.district_code,
    versions.problem_no,
    versions.township_code,
    versions.village_code,
    versions.household_key,
    versions.source,
    versions.feedback_batch,
    versions.category,
    versions.description,
    versions.department,
    versions.measures,
    versions.leader_name,
    versions.found_on,
    versions.due_on,
    versions.status,
    versions.rectified_on,
    versions.evidence,
    versions.void_reason,
    coalesce(states.is_rectified, false) as is_closed,
    coalesce(not states.is_rectified and states.due_on < states.day_on, false) as is_overdue,
    visited.reopened_count,
    visited.confirmed_count,
    reported.first_reported_on,
    reported.last_reported_on,
    versions.submission_id,
    versions.source_file,
    versions.source_sheet,
    versions.source_row
from current_versions as versions
left join newest_states as states
    on versions.district_code = states.district_code and versions.problem_no = states.problem_no
cross join
    lateral (
        select
            min(reports.report_on) as first_reported_on,
            max(reports.report_on) as last_reported_on
        from {{ versions_of('problems') | indent(8) }} as reports
        where reports.district_code = versions.district_code and reports.problem_no = versions.problem_no
    ) as reported
cross join lateral (
    select
        (count(*) filter (where visits.is_reopening))::integer as reopened_count,
        (count(*) filter (where visits.verdict = '属实'))::integer as confirmed_count
    from {{ ref('fct_visits') }} as visits
    where visits.district_code = versions.district_code and visits.problem_no = versions.problem_no
) as visited
