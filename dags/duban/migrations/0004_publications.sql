-- What was published stays as it was: an issue and the rows it was made from are written once, in one transaction, and never again.

create table published.publications (
    publication_id    text primary key,
    district_code     text not null,
    series            text not null check (series in ('daily', 'weekly', 'monthly')),
    issue_year        integer not null,
    issue_no          integer not null check (issue_no > 0),
    business_on       date not null,
    known_at          timestamptz not null,
    rule_code         text not null,
    data_fingerprint  text not null,
    published_at      timestamptz not null default clock_timestamp(),
    corrects_issue_no integer,
    unique (district_code, series, issue_year, issue_no),
    check (issue_year = extract(year from business_on)),
    check (corrects_issue_no < issue_no)
);
-- one ordinary issue per business day, and as many corrections as it takes
create unique index publications_ordinary on published.publications (district_code, series, business_on) where corrects_issue_no is null;

comment on table published.publications is 'Issues of all series; an issue never changes, a correction is an issue of its own. Grain: one issue';
comment on column published.publications.publication_id is 'Issue: <district>-<series>-<year>-<number>';
comment on column published.publications.district_code is 'District, 6 digits';
comment on column published.publications.series is 'daily (日通报), weekly (周调度), monthly (月调度)';
comment on column published.publications.issue_year is 'Year of the business day; numbers begin anew with it';
comment on column published.publications.issue_no is 'Number within district, series and year, without gaps, in order of publication';
comment on column published.publications.business_on is 'Day that the issue is about';
comment on column published.publications.known_at is 'What had arrived up to this time is in it';
comment on column published.publications.rule_code is 'Ranking rule in force on the day';
comment on column published.publications.data_fingerprint is 'SHA-256 of the frozen rows: equal rows, equal fingerprint';
comment on column published.publications.published_at is 'When it was given its number';
comment on column published.publications.corrects_issue_no is 'Issue of the same day that it corrects; null: an ordinary issue';

create table published.ranking_rows (
    publication_id       text not null references published.publications,
    ranked_on            date not null,
    district_code        text not null,
    township_code        text not null,
    township_name        text not null,
    is_ranked            boolean not null,
    rank                 integer,
    dense_rank           integer,
    assigned_count       integer not null,
    rectified_count      integer not null,
    open_count           integer not null,
    overdue_count        integer not null,
    reopened_count       integer not null,
    oldest_open_workdays integer not null,
    rectified_pct        numeric(5, 1),
    adjusted_pct         numeric(5, 1),
    is_reported          boolean not null,
    rule_code            text not null,
    display_order        integer not null,
    primary key (publication_id, township_code)
);

create table published.problem_rows (
    publication_id text not null references published.publications,
    district_code  text not null,
    problem_no     text not null,
    township_code  text not null,
    village_code   text,
    source         text not null,
    category       text not null,
    description    text not null,
    department     text,
    measures       text,
    leader_name    text,
    found_on       date not null,
    due_on         date not null,
    is_rectified   boolean not null,
    is_overdue     boolean not null,
    is_reopened    boolean not null,
    is_found       boolean not null,
    is_closed      boolean not null,
    is_relapsed    boolean not null,
    open_workdays  integer not null,
    submission_id  text not null,
    source_file    text not null,
    source_sheet   text not null,
    source_row     integer not null,
    primary key (publication_id, problem_no)
);

create table published.supervision_rows (
    publication_id  text not null references published.publications,
    district_code   text not null,
    group_code      text,
    day_on          date not null,
    due_count       integer not null,
    visited_count   integer not null,
    coverage_pct    numeric(5, 1),
    visit_count     integer not null,
    confirmed_count integer not null,
    returned_count  integer not null,
    relapsed_count  integer not null,
    found_count     integer not null,
    unique nulls not distinct (publication_id, group_code)
);

comment on table published.ranking_rows is 'The ranking that an issue prints. Grain: one township in one issue';
comment on table published.problem_rows is 'The problems behind it, by name. Grain: one problem in one issue';
comment on table published.supervision_rows is 'The supervision of the day: each group, and without a group all of them together. Grain: one group in one issue';

-- The frozen rows have the columns of what they are frozen from, and say the same of them.
do $$
declare
    said constant jsonb := '{
        "publication_id": "Issue", "district_code": "District, 6 digits", "township_code": "Township, 9 digits; <district>000: no township",
        "ranked_on": "Day of the ranking", "day_on": "Day", "township_name": "Name as it was then", "is_ranked": "Whether the unit takes part in the ranking",
        "rank": "Competition rank (1, 1, 3); null: unranked or nothing assigned", "dense_rank": "Dense rank (1, 1, 2)", "assigned_count": "A: problems assigned",
        "rectified_count": "Z: rectified", "open_count": "O = A - Z", "overdue_count": "V: open and past the due date", "reopened_count": "R: open after a visit with 退回 or 反弹",
        "oldest_open_workdays": "L: working days since the oldest open problem was found", "rectified_pct": "Z / A in percent, half-up",
        "adjusted_pct": "Rate adjusted for size; orders nothing", "is_reported": "Whether a file of the unit with this report date was accepted",
        "rule_code": "Ranking rule", "display_order": "Order in which equal ranks are printed", "problem_no": "问题编号", "village_code": "Village, 12 digits",
        "source": "问题来源", "category": "问题类别", "description": "问题描述; identity and phone numbers masked", "department": "行业部门", "measures": "整改措施",
        "leader_name": "责任领导", "found_on": "发现日期", "due_on": "整改时限", "is_rectified": "Rectified, and not open again through a visit",
        "is_overdue": "Open and past the due date", "is_reopened": "A visit with 退回 or 反弹 lies on or before the day", "is_found": "New on the day",
        "is_closed": "Closed on the day", "is_relapsed": "Closed the day before and open on the day", "open_workdays": "Working days since it was found; 0: rectified",
        "submission_id": "File that the version came with", "source_file": "Name of the file", "source_sheet": "Sheet", "source_row": "Row",
        "group_code": "Supervision group; null: all of them together", "due_count": "Townships not at zero the evening before", "visited_count": "of these visited",
        "coverage_pct": "visited / due, half-up; null: nothing to visit", "visit_count": "Visit records of the day", "confirmed_count": "of these with 属实",
        "returned_count": "of these with 退回", "relapsed_count": "of these with 反弹", "found_count": "of these with 新发现"
    }';
    place record;
begin
    for place in
        select c.oid::regclass as frozen, a.attname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.oid in ('published.ranking_rows'::regclass, 'published.problem_rows'::regclass, 'published.supervision_rows'::regclass)
    loop
        execute format('comment on column %s.%I is %L', place.frozen, place.attname, said ->> place.attname);
    end loop;
end
$$;

create function ops.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'an issue that was published is never changed: publish a correction';
end
$$;
comment on function ops.refuse_change is 'Keeps the rows of issues as they were published';

create trigger stays before update or delete or truncate on published.publications for each statement execute function ops.refuse_change();
create trigger stays before update or delete or truncate on published.ranking_rows for each statement execute function ops.refuse_change();
create trigger stays before update or delete or truncate on published.problem_rows for each statement execute function ops.refuse_change();
create trigger stays before update or delete or truncate on published.supervision_rows for each statement execute function ops.refuse_change();
