{{
    config(
        affected={
            'model': 'int_project_weeks__affected',
            'keys': {'district_code': 'district_code', 'project_no': 'project_no', 'week_ending_on': 'week_ending_on'},
        },
    )
}}

with
asked as (
    select
        district_code,
        project_no,
        week_ending_on as day_on
    from {{ ref('int_project_weeks__affected') }}
    where is_in_year
),

weekly_versions as (
    select
        asked.day_on as week_ending_on,
        version.*
    from asked
    cross join
        lateral (
            {{ version_on('projects') | indent(8) }}
        ) as version
    where not version.is_withdrawn
)

select
    weeks.district_code,
    weeks.project_no,
    weeks.week_ending_on,
    {{ project_stage() }} as stage,
    weeks.actual_start_on is not null as is_started,
    {{ shown_pct('weeks.progress_pct') }} as progress_pct,
    spent.disbursed_yuan::numeric(18, 2) as disbursed_yuan,
    spent.spent_yuan::numeric(18, 2) as spent_yuan
from weekly_versions as weeks
cross join lateral (
    select
        coalesce(sum(movements.amount_yuan) filter (where movements.stage = '拨付'), 0) as disbursed_yuan,
        coalesce(sum(movements.amount_yuan) filter (where movements.stage = '支出'), 0) as spent_yuan
    from {{ ref('fct_fund_movements') }} as movements
    where
        movements.district_code = weeks.district_code
        and movements.project_no = weeks.project_no
        and movements.moved_on <= weeks.week_ending_on
) as spent
