select township_name, max(official) filter (where ranked_on = %(last)s), max(simulated) filter (where ranked_on = %(last)s),
    round(avg(simulated - official), 2)
from ranks group by township_code, township_name, display_order
having bool_or(official <> simulated)
order by abs(avg(simulated - official)) desc, display_order
