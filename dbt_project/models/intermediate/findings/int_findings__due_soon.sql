{{ config(materialized='ephemeral') }}

-- Asked of running campaigns only: once a campaign is over, its newest day lies in the past and nothing is soon.
select
    problems.district_code,
    problems.township_code,
    {{ today() }} as day_on,
    'W05' as rule_id,
    problems.problem_no as subject,
    '问题 ' || problems.problem_no || ' 的整改时限是 ' || problems.due_on || '，还有 '
    || (due.working_day_number - now_on.working_day_number) || ' 个工作日，尚未整改到位' as text,
    problems.submission_id
from {{ ref('fct_problems') }} as problems
inner join {{ ref('stg_campaigns') }} as campaigns
    on
        problems.district_code = campaigns.district_code
        and problems.found_on between campaigns.started_on and campaigns.ended_on
        and {{ today() }} between campaigns.started_on and campaigns.ended_on
inner join {{ ref('dim_dates') }} as due on problems.due_on = due.date_on
inner join {{ ref('dim_dates') }} as now_on on now_on.date_on = {{ today() }}
where
    problems.status != 'void'
    and not problems.is_closed
    and problems.due_on >= {{ today() }}
    and due.working_day_number - now_on.working_day_number <= {{ var('due_soon_workdays') }}
