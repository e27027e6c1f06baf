select name, asked.report_on, found.report_on, found.township_code
from unnest(%(names)s::text[], %(days)s::date[]) as asked (name, report_on)
cross join lateral (
    (
        select 1 as place, version.report_on, {township} as township_code from {table} as version
        where district_code = %(district)s and {by} = name and version.report_on <= asked.report_on and {holds}
        order by version.report_on desc, received_at desc, version_id desc limit 1
    )
    union all
    (
        select 2 as place, version.report_on, {township} as township_code from {table} as version
        where district_code = %(district)s and {by} = name and version.report_on > asked.report_on
        order by version.report_on, received_at, version_id limit 1
    )
    order by place limit 1
) as found
