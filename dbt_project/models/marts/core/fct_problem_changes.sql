{{
    config(
        affected={
            'model': 'int_township_days__affected',
            'keys': {'district_code': 'district_code', 'township_code': 'township_code', 'day_on': 'day_on'},
        },
        indexes=[{'columns': ['district_code', 'day_on']}],
    )
}}

-- From what each problem is on a day and what it was on the day before. The first day of a campaign has none before.
with
days as (
    select
        *,
        day_on + 1 as next_on
    from {{ ref('int_problem_days__stated') }}
),

pairs as (
    select
        coalesce(states.district_code, earlier.district_code) as district_code,
        coalesce(states.problem_no, earlier.problem_no) as problem_no,
        coalesce(states.started_on, earlier.started_on) as started_on,
        coalesce(states.day_on, earlier.next_on) as day_on,
        states.township_code,
        earlier.township_code as township_code_before,
        states.is_rectified,
        earlier.is_rectified as was_rectified
    from days as states
    full join days as earlier
        on
            states.district_code = earlier.district_code
            and states.problem_no = earlier.problem_no
            and states.started_on = earlier.started_on
            and states.day_on = earlier.next_on
)

select
    pairs.district_code,
    affected.township_code,
    pairs.problem_no,
    pairs.day_on,
    changes.change,
    case when changes.change = 'moved' then pairs.township_code_before end as from_township_code
from pairs
-- a campaign ends, its problems do not change by that
inner join {{ ref('stg_campaigns') }} as campaigns
    on
        pairs.district_code = campaigns.district_code
        and pairs.started_on = campaigns.started_on
        and pairs.day_on <= campaigns.ended_on
inner join {{ ref('int_township_days__affected') }} as affected
    on
        affected.township_code = coalesce(pairs.township_code, pairs.township_code_before)
        and pairs.day_on = affected.day_on
cross join
    lateral (
        values
        ('found', pairs.township_code_before is null),
        ('moved', pairs.township_code != pairs.township_code_before),
        ('closed', pairs.is_rectified and pairs.was_rectified is not true),
        ('reopened', pairs.was_rectified and not pairs.is_rectified),
        ('removed', pairs.township_code is null)
    ) as changes (change, is_so)
where changes.is_so
