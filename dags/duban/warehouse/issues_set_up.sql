-- Whether a district (of raw.districts and raw.campaigns) publishes about a day.
(
    districts.set_up_by is not distinct from 'issuer'
    or (districts.set_up_by = 'district' or %(district)s::text is not null)
    and exists (
        select from ops.submissions
        where
            submissions.district_code = districts.district_code
            and outcome = any(%(accepted)s)
            and report_on between campaigns.started_on and {day}
    )
)
