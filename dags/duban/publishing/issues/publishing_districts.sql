select
    districts.district_code,
    campaigns.district_code is not null as has_campaign,
    exists (
        select from ops.submissions
        where submissions.district_code = districts.district_code and outcome = any(%(accepted)s)
    ) as has_data,
    {is_set_up} as is_set_up
from raw.districts
left join raw.campaigns
    on campaigns.district_code = districts.district_code and %(day)s between campaigns.started_on and campaigns.ended_on
where %(district)s::text is null or districts.district_code = %(district)s
order by districts.district_code
