-- Every unit stands on every day of every campaign up to today; and on the newest day of each campaign the townships
-- together hold every problem that is called closed.
with
campaigns as (
    select
        district_code,
        started_on,
        ended_on,
        least(ended_on, {{ today() }}) as newest_on
    from {{ ref('stg_campaigns') }}
    where started_on <= {{ today() }}
),

unit_counts as (
    select
        district_code,
        count(*) as unit_count
    from {{ ref('dim_townships') }}
    group by district_code
),

from_days as (
    select
        campaigns.district_code,
        campaigns.started_on,
        count(*) as row_count,
        sum(days.rectified_count) filter (where days.day_on = campaigns.newest_on) as rectified_count
    from campaigns
    inner join {{ ref('fct_township_days') }} as days
        on
            campaigns.district_code = days.district_code
            and days.day_on between campaigns.started_on and campaigns.newest_on
    group by campaigns.district_code, campaigns.started_on
),

from_problems as (
    select
        campaigns.district_code,
        campaigns.started_on,
        count(*) filter (where problems.is_closed) as closed_count
    from campaigns
    inner join {{ ref('fct_problems') }} as problems
        on
            campaigns.district_code = problems.district_code
            and problems.found_on between campaigns.started_on and campaigns.ended_on
    group by campaigns.district_code, campaigns.started_on
)

select
    campaigns.district_code,
    campaigns.started_on,
    unit_counts.unit_count,
    from_days.*,
    from_problems.closed_count
from campaigns
inner join unit_counts on campaigns.district_code = unit_counts.district_code
left join from_days
    on campaigns.district_code = from_days.district_code and campaigns.started_on = from_days.started_on
left join from_problems
    on campaigns.district_code = from_problems.district_code and campaigns.started_on = from_problems.started_on
where
    from_days.row_count is distinct from unit_counts.unit_count * (campaigns.newest_on - campaigns.started_on + 1)
    or from_days.rectified_count < coalesce(from_problems.closed_count, 0)
