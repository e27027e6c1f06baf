select rule_id, day_on, text
from marts.fct_findings
where district_code = %(district_code)s and found_in = 'warehouse' and rule_id in ('W03', 'W04', 'W30')
order by rule_id, day_on desc, subject
