, places as (
    -- Spearman's coefficient: equal ranks 1, 1 stand for the places 1 and 2, that is for 1.5 each. It has no value when all ranks are equal.
    select *,
        official + (count(*) over (partition by ranked_on, official) - 1) / 2.0 as official_place,
        simulated + (count(*) over (partition by ranked_on, simulated) - 1) / 2.0 as simulated_place
    from ranks
)
select ranked_on, max(rule_code), round(corr(official_place, simulated_place)::numeric, 3),
    count(*) filter (where official <> simulated), count(*)
from places group by ranked_on order by ranked_on
