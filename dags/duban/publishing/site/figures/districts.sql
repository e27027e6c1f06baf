select
    district.district_code,
    district.district_name,
    district.data_label,
    registered.audience,
    count(file.submission_id) as file_count,
    max(file.received_at) filter (where file.outcome in ('accepted', 'accepted_with_rejections')) as received_at,
    max(file.report_on) filter (where file.outcome in ('accepted', 'accepted_with_rejections')) as report_on
from marts.dim_districts as district
inner join raw.districts as registered on registered.district_code = district.district_code
left join marts.fct_submissions as file
    on file.district_code = district.district_code and file.outcome <> 'duplicate'
group by district.district_code, district.district_name, district.data_label, registered.audience
order by district.district_code
