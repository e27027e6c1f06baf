-- Days without a gap are one campaign: the marts hold every day of a campaign and none between two.
with days as (
    select
        ranked_on,
        min(rule_code) as rule_code,
        sum(assigned_count) as assigned_count,
        ranked_on - (row_number() over (order by ranked_on))::integer as gap_free_from
    from marts.rpt_township_ranking
    where district_code = %(district_code)s
    group by ranked_on
),

newest_campaign as (
    select * from days where gap_free_from = (select max(gap_free_from) from days)
),

spanned as (
    select
        max(ranked_on) as ranked_on,
        min(ranked_on) filter (where assigned_count > 0) as first_data_on
    from newest_campaign
)

select
    spanned.*,
    (select max(date_on) from marts.dim_dates where is_working_day and date_on < spanned.ranked_on) as previous_on,
    (select is_working_day from marts.dim_dates where date_on = spanned.ranked_on) as is_working_day,
    (select is_provisional from marts.dim_dates where date_on = spanned.ranked_on) as is_provisional,
    newest.rule_code,
    (
        select rule.wording
        from marts.dim_ranking_rules as rule
        where
            rule.rule_code = newest.rule_code
            and rule.district_code in (%(district_code)s, '*')
            and newest.ranked_on between rule.effective_from and coalesce(rule.effective_to, 'infinity')
        order by rule.district_code = '*', rule.effective_from desc
        limit 1
    ) as rule_wording
from spanned
left join newest_campaign as newest using (ranked_on)
