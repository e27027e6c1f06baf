select township_code, problem_no, withdrawn_on, case when %(descriptions)s then void_reason end as void_reason
from marts.withdrawals_as_of(%(district_code)s, %(ranked_on)s, %(known_at)s)
order by withdrawn_on desc, township_code, problem_no
