select districts.district_code
from raw.districts
where
    set_up_by is null
    and exists (
        select from ops.submissions
        join raw.campaigns on campaigns.district_code = submissions.district_code and report_on between started_on and ended_on
        where submissions.district_code = districts.district_code and outcome = any(%(accepted)s)
    )
order by district_code
