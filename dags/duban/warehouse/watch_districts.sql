select district_code, district_name from raw.districts
where exists (
    select from ops.recipients
    where recipients.district_code = districts.district_code and is_active and audience = 'operators'
) order by 1
