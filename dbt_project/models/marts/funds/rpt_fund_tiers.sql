{{
    config(
        affected={
            'model': 'int_fund_years__affected',
            'keys': {'district_code': 'district_code', 'fund_year': 'fund_year'},
        },
    )
}}

with
movements as (
    select movements.*
    from {{ ref('int_fund_years__affected') }} as affected
    inner join {{ ref('fct_fund_movements') }} as movements
        on affected.district_code = movements.district_code and affected.fund_year = movements.fund_year
),

days as (
    select distinct
        district_code,
        fund_year,
        moved_on as day_on
    from movements
),

tiers as (
    select
        district_code,
        fund_year,
        tier,
        min(moved_on) as first_moved_on
    from movements
    group by district_code, fund_year, tier
),

daily as (
    select
        movements.district_code,
        movements.fund_year,
        movements.tier,
        movements.moved_on,
        {{ tier_sums('movements') | indent(4) }}
    from movements
    group by movements.district_code, movements.fund_year, movements.tier, movements.moved_on
),

-- a line on each day on which anything of the district and year moved, for each tier that has had movements by then
cumulated as (
    select
        days.district_code,
        days.fund_year,
        days.day_on,
        tiers.tier,
        sum(coalesce(daily.received_yuan, 0)) over so_far as received_yuan,
        sum(coalesce(daily.allocated_yuan, 0)) over so_far as allocated_yuan,
        sum(coalesce(daily.disbursed_yuan, 0)) over so_far as disbursed_yuan,
        sum(coalesce(daily.spent_yuan, 0)) over so_far as spent_yuan
    from days
    inner join tiers
        on
            days.district_code = tiers.district_code
            and days.fund_year = tiers.fund_year
            and days.day_on >= tiers.first_moved_on
    left join daily
        on
            tiers.district_code = daily.district_code
            and tiers.fund_year = daily.fund_year
            and tiers.tier = daily.tier
            and days.day_on = daily.moved_on
    window so_far as (
        partition by tiers.district_code, tiers.fund_year, tiers.tier
        order by days.day_on
    )
)

select
    district_code,
    fund_year,
    day_on,
    tier,
    received_yuan::numeric(18, 2) as received_yuan,
    allocated_yuan::numeric(18, 2) as allocated_yuan,
    disbursed_yuan::numeric(18, 2) as disbursed_yuan,
    spent_yuan::numeric(18, 2) as spent_yuan,
    {{ pct('allocated_yuan', 'received_yuan', 'numeric(24,1)') }} as allocated_pct,
    {{ pct('spent_yuan', 'received_yuan', 'numeric(24,1)') }} as spent_pct
from cumulated
