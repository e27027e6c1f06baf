select
    gone.*, compared.township_code as township_before, compared.is_rectified as was_rectified,
    previous.township_code as township_on_previous, previous.is_rectified as was_rectified_on_previous
from (
    select
        district_code, problem_no, township_code, true as is_withdrawn, void_reason, withdrawn_on, found_on, submission_id, source_file,
        source_sheet, source_row
    from marts.withdrawals_as_of(%(district)s, %(day)s, %(known_at)s) as withdrawn
    where
        problem_no in (select problem_no from compared union all select problem_no from previous)
        or exists (
            select from published.problem_rows as row
            where row.problem_no = withdrawn.problem_no and row.publication_id = (select publication_id from printed)
        )
        or exists (
            select from raw.problem_versions as version
            where
                version.district_code = %(district)s and version.problem_no = withdrawn.problem_no and version.status <> 'void'
                and version.received_at <= %(known_at)s and version.report_on <= withdrawn.withdrawn_on
                and version.report_on > (select compared_on from calendar) and version.report_on <= %(day)s
        )
    union all
    select
        stood.district_code, stood.problem_no, stood.township_code, false, null, null, version.found_on, version.submission_id,
        version.source_file, version.source_sheet, version.source_row
    from (select * from compared union select * from previous where problem_no not in (select problem_no from compared)) as stood
    cross join lateral (
        select * from raw.problem_versions as version
        where
            version.district_code = stood.district_code and version.problem_no = stood.problem_no
            and version.received_at <= %(known_at)s and version.report_on <= %(day)s
        order by version.report_on desc, version.received_at desc, version.version_id desc
        limit 1
    ) as version
    where stood.problem_no not in (select problem_no from marts.withdrawals_as_of(%(district)s, %(day)s, %(known_at)s))
) as gone
left join compared using (problem_no)
left join previous using (problem_no)
where problem_no not in (select problem_no from problems)
