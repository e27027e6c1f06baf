select date_on, array_agg(district_code order by district_code)
from marts.dim_dates
join raw.campaigns on date_on between started_on and ended_on
join raw.districts using (district_code)
where
    is_working_day
    and {is_set_up}
    and date_on >= %(first)s
    and date_on < %(before)s
    and exists (
        select from ops.submissions
        where
            submissions.district_code = campaigns.district_code
            and outcome = any(%(accepted)s)
            and (received_at at time zone 'Asia/Shanghai')::date <= date_on
    )
    and not exists (
        select from published.publications
        where
            publications.district_code = campaigns.district_code
            and series = 'daily'
            and business_on = date_on
    )
    and not exists (
        select from ops.held_issues
        where
            held_issues.district_code = campaigns.district_code
            and series = 'daily'
            and business_on = date_on
            and not is_correction
            and ended_at is null
    )
group by date_on
order by date_on
