{{ config(materialized='ephemeral') }}

select
    movements.district_code,
    movements.township_code,
    movements.moved_on as day_on,
    'W10' as rule_id,
    movements.movement_no as subject,
    '资金流水 ' || movements.movement_no || ' 的项目编号 ' || movements.project_no || ' 不在项目台账里' as text,
    movements.submission_id
from {{ ref('fct_fund_movements') }} as movements
left join {{ ref('int_projects__known') }} as projects
    on movements.district_code = projects.district_code and movements.project_no = projects.project_no
where movements.project_no is not null and projects.project_no is null
