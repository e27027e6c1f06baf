-- The line of the issue, where anything changed since the newest one of the day.
frozen as (
    select encode(sha256(convert_to(string_agg(kept_in || line, e'\n' order by kept_in, line), 'UTF8')), 'hex') as data_fingerprint
    from lines
),

next as (
    select coalesce(max(issue_no), 0) + 1 as issue_no
    from published.publications
    where district_code = %(district)s and series = %(series)s and issue_year = %(year)s
),

issue as (
    insert into published.publications (
        publication_id, district_code, series, issue_year, issue_no, business_on, known_at, rule_code, data_fingerprint, corrects_issue_no,
        period_start_on, compared_on, district_name, data_label, issuer_name, document_family, document_word, recipients, copies_to,
        is_provisional, due_soon_on, held_for, released_by, release_reason, has_chain, previous_issue_no, previous_open_count,
        rule_wording, shown_ledgers
    )
    select
        concat_ws('-', %(district)s::text, %(series)s::text, %(year)s::integer, next.issue_no), %(district)s, %(series)s, %(year)s,
        next.issue_no, %(day)s, %(known_at)s, (select min(rule_code) from ranking_rows), frozen.data_fingerprint, %(corrects)s,
        %(period_start)s, calendar.compared_on, district.district_name, district.data_label,
        coalesce(district.issuer_name, office.unit_name),
        district.document_family, district.document_word, district.recipients, district.copies_to, calendar.is_provisional,
        calendar.due_soon_on, %(held_for)s, %(released_by)s, %(release_reason)s, true,
        (select issue_no from printed where is_of_previous_day),
        (
            select sum(open_count) from published.ranking_rows
            where publication_id = (select publication_id from printed where is_of_previous_day)
        ),
        (
            select rule.wording from marts.dim_ranking_rules as rule
            where
                rule.rule_code = (select min(rule_code) from ranking_rows) and rule.district_code in (%(district)s, '*')
                and %(day)s between rule.effective_from and coalesce(rule.effective_to, 'infinity')
            order by rule.district_code = '*', rule.effective_from desc
            limit 1
        ),
        (
            select coalesce(jsonb_agg(shown.spec order by shown.ledger), '[]') from raw.shown_ledgers as shown
            where shown.ledger in (select ledger from ledger_rows)
        )
    from frozen
    cross join next
    cross join calendar
    join raw.districts as district on district.district_code = %(district)s
    join raw.units as office on office.unit_code = %(district)s::text || '000'
    where exists (select from ranking_rows) and frozen.data_fingerprint is distinct from %(fingerprint)s
    returning *
)
