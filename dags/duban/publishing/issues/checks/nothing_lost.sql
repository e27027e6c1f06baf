-- Against the newest earlier issue of the same campaign: a problem that stood in it and stands no longer must have been withdrawn, or its
-- day of finding corrected, since; else something was lost. One that was handed to another township still stands.
with earlier as (
    select publication.*, campaign.started_on
    from published.publications as publication
    join raw.campaigns as campaign
        on campaign.district_code = publication.district_code
        and publication.business_on between campaign.started_on and campaign.ended_on
        and %(day)s between campaign.started_on and campaign.ended_on
    where
        publication.district_code = %(district)s
        and publication.business_on <= %(day)s
        and publication.publication_id <> %(issue)s
    order by publication.business_on desc, publication.known_at desc
    limit 1
),

lost as (
    select row.problem_no, row.township_code
    from earlier
    join published.problem_rows as row on row.publication_id = earlier.publication_id
    where
        not exists (select from published.problem_rows as now where now.publication_id = %(issue)s and now.problem_no = row.problem_no)
        and not exists (
            select
            from raw.problem_versions as version
            where
                version.district_code = %(district)s
                and version.problem_no = row.problem_no
                and version.received_at <= %(known_at)s
                and version.report_on <= %(day)s
                and (version.status = 'void' or version.found_on not between earlier.started_on and %(day)s)
        )
)

select concat(
    '问题总数比', earlier.business_on, '的第', earlier.issue_no, '期少，有', count(*), '个问题既没有撤销，也没有更正发现日期：',
    (array_to_string((array_agg(lost.problem_no order by lost.problem_no))[:5], '、')), case when count(*) > 5 then '等' end
)
from lost
cross join earlier
group by earlier.business_on, earlier.issue_no
