select row_number() over (order by rule_id, subject, text, submission_id, day_on)::integer as finding_no, found.*
from (
    select district_code, rule_id, subject, text, day_on, null::text as submission_id
    from marts.fund_findings_as_of(%(district)s, %(day)s, %(known_at)s)
    where not %(is_of_a_day)s
    union
    select finding.district_code, rule_id, subject, text, day_on, submission_id
    from quarantine.findings as finding
    join file_rows using (submission_id)
    -- columns that a sender keeps for itself are told to the sender, on every receipt and slip, and are no news
    where %(is_of_a_day)s and finding.rule_id != 'W31'
) as found
