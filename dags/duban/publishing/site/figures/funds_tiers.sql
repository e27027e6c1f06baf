-- The lines of a year's newest day hold every tier that ever moved.
select
    fund_year,
    day_on,
    tier,
    received_yuan,
    allocated_yuan,
    disbursed_yuan,
    spent_yuan,
    allocated_pct,
    spent_pct
from marts.rpt_fund_tiers
where district_code = %(district_code)s
order by fund_year desc, day_on, array_position(array['中央', '省级', '市级', '区级', '其他'], tier::text), tier
