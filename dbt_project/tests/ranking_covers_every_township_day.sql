-- Of the days that this build ranked: a line for each township, ranked exactly if it takes part; ranks begin with 1 and
-- leave no unexplained gap.
with
ranked as (
    select
        ranking.*,
        count(*) filter (where ranking.rank is not null) over (
            partition by ranking.district_code, ranking.ranked_on
            order by ranking.rank
            range between unbounded preceding and 1 preceding
        ) as ahead_count
    from {{ ref('rpt_township_ranking') }} as ranking
    inner join {{ ref('int_ranking_days__affected') }} as affected
        on ranking.district_code = affected.district_code and ranking.ranked_on = affected.ranked_on
),

days as (
    select days.*
    from {{ ref('fct_township_days') }} as days
    inner join {{ ref('int_ranking_days__affected') }} as affected
        on days.district_code = affected.district_code and days.day_on = affected.ranked_on
)

select
    days.day_on,
    days.township_code,
    ranked.rank,
    ranked.dense_rank
from days
full join ranked
    on days.township_code = ranked.township_code and days.day_on = ranked.ranked_on
where
    days.day_on is null
    or ranked.ranked_on is null
    or (ranked.rank is not null) != (ranked.is_ranked and ranked.assigned_count > 0)
    or (ranked.rank is not null and ranked.rank != ranked.ahead_count + 1)
    or ranked.dense_rank > ranked.rank
