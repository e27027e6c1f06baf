{{ config(materialized='ephemeral') }}

select
    district_code,
    township_code,
    max(last_reported_on) as day_on,
    'W06' as rule_id,
    min(problem_no) || ' 等' as subject,
    '同一份印证资料“' || left(evidence, 60) || '”用于 ' || count(*) || ' 个问题：'
    || left(string_agg(problem_no, '、' order by problem_no), 400) as text,
    case when count(distinct submission_id) = 1 then min(submission_id) end as submission_id
from {{ ref('fct_problems') }}
where evidence is not null and status != 'void'
group by district_code, township_code, evidence
having count(*) > 1
