{{ config(materialized='ephemeral') }}

select
    visits.district_code,
    visits.township_code,
    visits.visited_on as day_on,
    'W09' as rule_id,
    visits.record_no as subject,
    '督导记录 ' || visits.record_no || '（' || visits.visited_on || '）新发现的问题'
    || coalesce(' ' || visits.problem_no, '') || ' 还没有列入问题台账' as text,
    visits.submission_id
from {{ ref('fct_visits') }} as visits
left join {{ ref('fct_problems') }} as problems
    on visits.district_code = problems.district_code and visits.problem_no = problems.problem_no
where visits.verdict = '新发现' and problems.problem_no is null
