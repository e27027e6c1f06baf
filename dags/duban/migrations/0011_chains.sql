-- What an issue says of change adds up; who was set up to publish; working calendars that the office enters.

-- ── issues ───────────────────────────────────────────────────────────────────────────────────────────────────────────
alter table published.publications
    add column has_chain           boolean not null default false,
    add column previous_issue_no   integer,
    add column previous_open_count integer;
comment on column published.publications.has_chain is 'Whether where each problem stood before is frozen, so that the open ones add up; false: an issue of an earlier release';
comment on column published.publications.previous_issue_no is 'Newest issue of the series about the working day before the period; null: none';
comment on column published.publications.previous_open_count is 'Open problems that it printed';

alter table published.problem_rows
    add column township_before       text,
    add column was_rectified         boolean,
    add column township_on_previous  text,
    add column was_rectified_on_previous boolean,
    add column is_restored           boolean not null default false;
comment on column published.problem_rows.township_before is 'Township on compared_on; null: not assigned then';
comment on column published.problem_rows.was_rectified is 'Whether it was rectified on compared_on; null: not assigned then';
comment on column published.problem_rows.township_on_previous is 'Township on the working day before the period; null: not assigned then';
comment on column published.problem_rows.was_rectified_on_previous is 'Whether it was rectified on that day; null: not assigned then';
comment on column published.problem_rows.is_restored is 'New since compared_on because a withdrawal was taken back';

create table published.withdrawn_rows (
    publication_id text not null references published.publications,
    district_code  text not null,
    problem_no     text not null,
    township_code  text not null,
    is_withdrawn   boolean not null,
    void_reason    text,
    withdrawn_on   date,
    found_on       date not null,
    submission_id  text not null,
    source_file    text not null,
    source_sheet   text not null,
    source_row     integer not null,
    township_before text,
    was_rectified  boolean,
    township_on_previous text,
    was_rectified_on_previous boolean,
    primary key (publication_id, problem_no)
);
comment on table published.withdrawn_rows is 'Problems that an issue counts no more: withdrawn since the issue before, or found on another day than was said. Grain: one problem in one issue';
comment on column published.withdrawn_rows.publication_id is 'Issue';
comment on column published.withdrawn_rows.district_code is 'District, 6 digits';
comment on column published.withdrawn_rows.problem_no is '问题编号';
comment on column published.withdrawn_rows.township_code is 'Township, 9 digits; <district>000: no township';
comment on column published.withdrawn_rows.is_withdrawn is 'Withdrawn by the office; false: 发现日期 was corrected and lies outside of the campaign or the period';
comment on column published.withdrawn_rows.void_reason is '撤销原因; identity and phone numbers masked';
comment on column published.withdrawn_rows.withdrawn_on is 'Report date of the withdrawal; null: not withdrawn';
comment on column published.withdrawn_rows.found_on is '发现日期';
comment on column published.withdrawn_rows.submission_id is 'File that the row came with';
comment on column published.withdrawn_rows.source_file is 'Name of the file';
comment on column published.withdrawn_rows.source_sheet is 'Sheet';
comment on column published.withdrawn_rows.source_row is 'Row';
comment on column published.withdrawn_rows.township_before is 'Township on compared_on; null: not assigned then';
comment on column published.withdrawn_rows.was_rectified is 'Whether it was rectified on compared_on; null: not assigned then';
comment on column published.withdrawn_rows.township_on_previous is 'Township on the working day before the period; null: not assigned then';
comment on column published.withdrawn_rows.was_rectified_on_previous is 'Whether it was rectified on that day; null: not assigned then';
create trigger stays before update or delete or truncate on published.withdrawn_rows for each statement execute function ops.refuse_change();

-- ── who publishes ────────────────────────────────────────────────────────────────────────────────────────────────────
alter table raw.districts add column set_up_by text check (set_up_by in ('district', 'issuer'));
comment on column raw.districts.set_up_by is 'What somebody did for it: registered it (make district) or said how it publishes (make issuer); null: it is there from the start';
update raw.districts
set set_up_by = case
    when issuer_name is not null or exists (select from published.publications as issue where issue.district_code = districts.district_code)
        then 'issuer'
    when district_code not in ('430902', '430511') then 'district'
end;

-- ── working calendars that the office enters ─────────────────────────────────────────────────────────────────────────
create table raw.calendar_days (
    date_on        date primary key,
    is_working_day boolean not null,                            -- false: a holiday; true: a weekend that is worked
    holiday_name   text not null,
    entered_at     timestamptz not null default clock_timestamp()
);
comment on table raw.calendar_days is 'Holidays and make-up days of the years that the office entered (make calendar), whole years; they win over the seed';

-- ── what a unit owes ─────────────────────────────────────────────────────────────────────────────────────────────────
-- units that are there already have had their time
alter table raw.units add column registered_at timestamptz not null default '-infinity';
alter table raw.units alter column registered_at set default clock_timestamp();
comment on column raw.units.registered_at is 'When it was registered: it owes a ledger for working days that began after that';
