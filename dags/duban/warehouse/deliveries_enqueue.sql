insert into ops.deliveries (subject_kind, subject_id, district_code, channel, address)
select distinct subject_kind, subject_id, district_code, channel, address from ops.addressees
where subject_kind = %s and subject_id = any(%s)
order by subject_id, channel, address
