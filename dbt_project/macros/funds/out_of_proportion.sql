{#-
  W30: amounts that are out of all proportion, as a unit mistaken makes them (元 read as 万元 is ten thousand times too
  much). The usual amount is the median of the district's amounts of the same tier and stage (of projects: of the same
  category), whatever their year; while these are few, the largest other amount of the stage (of all projects) stands
  for it, so that a first large batch is not told.

  The median is one of the amounts themselves, the lower one of two in the middle: exact, and the amount in question
  does not move it.

  amounts: relation as amounts_of_money makes it.
-#}
{% macro out_of_proportion(amounts) -%}
select
    found.district_code,
    found.township_code,
    found.day_on,
    'W30' as rule_id,
    found.subject,
    found.subject_text || ' ' || {{ wan('found.yuan') }} || ' 万元，是本区'
    || found.usual_text || ' ' || {{ wan('found.usual_yuan') }}
    || ' 万元的 ' || div(found.yuan, found.usual_yuan) || ' 倍，请核对金额和单位（元、万元）' as text,
    found.submission_id
from (
    select
        ordered.*,
        limits.times_usual,
        case
            when groups.amount_count >= limits.enough_count then groups.median_yuan
            else ordered.next_smaller_yuan
        end as usual_yuan,
        case
            when groups.amount_count >= limits.enough_count then ordered.group_text || '中位数'
            else '其他' || ordered.amount_kind || '中最大的一笔'
        end as usual_text
    from (
        select
            amounts.*,
            max(amounts.yuan) over (
                partition by amounts.district_code, amounts.amount_kind
                order by amounts.yuan, amounts.subject, amounts.submission_id
                rows between unbounded preceding and 1 preceding
            ) as next_smaller_yuan
        from {{ amounts }} as amounts
    ) as ordered
    inner join (
        select
            amounts.district_code,
            amounts.amount_kind,
            amounts.group_name,
            count(*) as amount_count,
            percentile_disc(0.5) within group (order by amounts.yuan) as median_yuan
        from {{ amounts }} as amounts
        group by amounts.district_code, amounts.amount_kind, amounts.group_name
    ) as groups
        on
            ordered.district_code = groups.district_code
            and ordered.amount_kind = groups.amount_kind
            and ordered.group_name = groups.group_name
    inner join {{ ref('ref_amount_limits') }} as limits on ordered.amount_kind = limits.amount_kind
) as found
where found.yuan > found.times_usual * found.usual_yuan
{%- endmacro %}


{#-
  What out_of_proportion compares: one line per fund movement and project.

  movements: relation of fund movements; projects: relation of projects with first_reported_on.
-#}
{% macro amounts_of_money(movements, projects) -%}
select
    movements.district_code,
    movements.township_code,
    movements.moved_on as day_on,
    movements.stage as amount_kind,
    movements.tier as group_name,
    movements.tier || movements.stage as group_text,
    movements.movement_no as subject,
    '资金流水 ' || movements.movement_no || '：' || movements.tier || movements.stage as subject_text,
    movements.amount_yuan as yuan,
    movements.submission_id
from {{ movements }} as movements
union all
select
    projects.district_code,
    projects.township_code,
    projects.first_reported_on as day_on,
    '项目' as amount_kind,
    projects.category as group_name,
    projects.category || '项目' as group_text,
    projects.project_no as subject,
    '项目 ' || projects.project_no || '：计划总投资' as subject_text,
    projects.planned_yuan as yuan,
    projects.submission_id
from {{ projects }} as projects
{%- endmacro %}
