-- Who takes part does not depend on the rule, so the days compared have the same townships on both sides.
with ranks as (
    select ranked_on, township_code, simulated.township_name, simulated.display_order, official.rule_code,
        official.rank as official, simulated.rank as simulated
    from marts.rpt_township_ranking official
    join marts.simulated_ranking(%(district)s, %(rule)s, %(first)s, %(last)s) simulated using (ranked_on, township_code)
    where official.rank is not null and simulated.rank is not null
)
