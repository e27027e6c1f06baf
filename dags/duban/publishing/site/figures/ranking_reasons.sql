select
    township_code,
    ahead_township_code,
    deciding_place,
    deciding_indicator,
    own_numerator,
    own_denominator,
    ahead_numerator,
    ahead_denominator,
    closures_needed_count
from marts.rpt_rank_reasons
where district_code = %(district_code)s and ranked_on = %(ranked_on)s
