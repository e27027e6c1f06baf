select
    township_code,
    fund_year,
    coalesce(sum(amount_yuan) filter (where stage = '拨付'), 0) as disbursed_yuan,
    coalesce(sum(amount_yuan) filter (where stage = '支出'), 0) as spent_yuan
from marts.fct_fund_movements
where
    district_code = %(district_code)s
    and township_code is not null
    and fund_year = (select max(fund_year) from marts.rpt_fund_tiers where district_code = %(district_code)s)
group by township_code, fund_year
