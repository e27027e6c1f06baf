with reasons as (
    select file.district_code, file.unit_code, rejected.rule_id, count(distinct file.submission_id) as file_count
    from ops.submissions as file
    join quarantine.rejected_rows as rejected using (submission_id)
    where file.outcome = 'rejected' and file.received_at >= %(since)s and file.received_at <= %(now)s
    group by file.district_code, file.unit_code, rejected.rule_id
)

select
    unit.unit_code, unit.district_code, null,
    unit.unit_name || '有 '
    || (
        select count(*) from ops.submissions as file
        where file.unit_code = unit.unit_code and outcome = 'rejected' and received_at >= %(since)s and received_at <= %(now)s
    )
    || ' 个文件整份退回：'
    || string_agg(rule_id || coalesce(' ' || (%(rules)s::jsonb ->> rule_id), ''), '；' order by file_count desc, rule_id)
from reasons
join raw.units as unit using (unit_code)
group by unit.unit_code, unit.district_code, unit.unit_name
order by unit.unit_code
