-- What an issue prints besides ranking and problems, the documents made of it, and who issues them.

-- ── who issues, in which form, for whom ──────────────────────────────────────────────────────────────────────────────
alter table raw.districts
    add column issuer_name     text,                            -- 发文机关; null: the name of the office's unit
    add column document_family text not null default 'serial' check (document_family in ('serial', 'statutory')),
    add column document_word   text,                            -- 机关代字 of the statutory form, e.g. 资扶办
    add check (document_family = 'serial' or document_word is not null),
    add column recipients      text,                            -- 主送
    add column copies_to       text,                            -- 抄送
    add column audience        text not null default 'internal' check (audience in ('off', 'internal', 'leaders', 'townships'));

-- Targets that a district was given for a year, where they are known. A publication lists them; nothing is computed from them.
create table raw.key_targets (
    district_code text not null references raw.districts,
    target_year   integer not null,
    display_order integer not null,
    level         text not null,                                -- who set it: 省级, 市级, 区级
    target_name   text not null,
    target_count  integer not null,
    unit          text not null,                                -- 户, 人, 个
    primary key (district_code, target_year, display_order)
);

-- ── issues ───────────────────────────────────────────────────────────────────────────────────────────────────────────
alter table published.publications
    add column period_start_on date,
    add column compared_on     date,
    add column district_name   text not null default '',
    add column data_label      text,
    add column issuer_name     text not null default '',
    add column document_family text not null default 'serial',
    add column document_word   text,
    add column recipients      text,
    add column copies_to       text,
    add column is_provisional  boolean not null default false,
    add column due_soon_on     date,
    add column held_for        text[] not null default '{}',
    add column released_by     text,
    add column release_reason  text,
    add check ((held_for = '{}') = (release_reason is null)),
    add check (period_start_on <= business_on);
alter table published.publications disable trigger stays;
update published.publications set period_start_on = business_on, compared_on = business_on - 1;
alter table published.publications enable trigger stays;
alter table published.publications alter column period_start_on set not null, alter column compared_on set not null;

comment on column published.publications.period_start_on is 'First day of the period: the day itself, the Monday of its week, the first of its month';
comment on column published.publications.compared_on is 'Day that changes are compared with: the day before (daily), the last working day before the period';
comment on column published.publications.district_name is 'Name of the district as it was then';
comment on column published.publications.data_label is 'What every copy says of its figures when they are made up; null: real figures';
comment on column published.publications.issuer_name is 'Office that issues it';
comment on column published.publications.document_family is 'serial (masthead and 第N期) or statutory (document head with 〔year〕 number)';
comment on column published.publications.document_word is 'Word of the office in the number of the statutory form';
comment on column published.publications.recipients is 'Main recipients (主送)';
comment on column published.publications.copies_to is 'Copies to (抄送)';
comment on column published.publications.is_provisional is 'Whether the calendar of the day is a guess: no official one was known';
comment on column published.publications.due_soon_on is 'Last day on which at most three working days are left: what is due by then is due soon';
comment on column published.publications.held_for is 'Checks that failed before a person released it; empty: none did';
comment on column published.publications.released_by is 'Person who released it';
comment on column published.publications.release_reason is 'Why it was released';

alter table published.ranking_rows
    add column previous_on       date,
    add column previous_rank     integer,
    add column open_before_count integer;
comment on column published.ranking_rows.previous_on is 'Day that ranks are compared with: the working day before the period';
comment on column published.ranking_rows.previous_rank is 'Rank on that day as known at the same time; null: none';
comment on column published.ranking_rows.open_before_count is 'Problems open on compared_on; null: no campaign then';

alter table published.problem_rows
    add column village_name           text,
    add column is_found_on_rest_days  boolean not null default false,
    add column is_closed_on_rest_days boolean not null default false,
    add column is_relapsed_on_rest_days boolean not null default false;
comment on column published.problem_rows.is_found_on_rest_days is 'Daily: new on the rest days between the working day before and the day';
comment on column published.problem_rows.is_closed_on_rest_days is 'Daily: closed on these rest days';
comment on column published.problem_rows.is_relapsed_on_rest_days is 'Daily: closed before these rest days and open after them';
comment on column published.problem_rows.village_name is 'Name of the village as it was then';
comment on column published.problem_rows.is_found is 'New since compared_on';
comment on column published.problem_rows.is_closed is 'Closed since compared_on';
comment on column published.problem_rows.is_relapsed is 'Closed on compared_on and open on the day';

create table published.visit_rows (
    publication_id text not null references published.publications,
    district_code  text not null,
    group_code     text not null,
    record_no      text not null,
    visited_on     date not null,
    township_code  text not null,
    problem_no     text,
    verdict        text not null,
    submission_id  text not null,
    source_file    text not null,
    source_sheet   text not null,
    source_row     integer not null,
    primary key (publication_id, group_code, record_no)
);

create table published.file_rows (
    publication_id text not null references published.publications,
    submission_id  text not null,
    unit_code      text not null,
    unit_name      text not null,
    file_name      text not null,
    report_on      date,
    received_at    timestamptz not null,
    outcome        text not null,
    row_count      integer not null,
    accepted_count integer not null,
    rejected_count integer not null,
    ignored_count  integer not null,
    primary key (publication_id, submission_id)
);

create table published.project_rows (
    publication_id    text not null references published.publications,
    district_code     text not null,
    project_no        text not null,
    township_code     text not null,
    project_name      text not null,
    category          text not null,
    place             text,
    responsible_unit  text,
    planned_yuan      numeric(18, 2) not null,
    central_yuan      numeric(18, 2),
    provincial_yuan   numeric(18, 2),
    municipal_yuan    numeric(18, 2),
    district_yuan     numeric(18, 2),
    other_yuan        numeric(18, 2),
    planned_start_on  date,
    planned_finish_on date,
    actual_start_on   date,
    actual_finish_on  date,
    accepted_on       date,
    progress_pct      numeric(12, 6),
    stage             text not null,
    first_reported_on date not null,
    submission_id     text not null,
    source_file       text not null,
    source_sheet      text not null,
    source_row        integer not null,
    primary key (publication_id, project_no)
);

create table published.movement_rows (
    publication_id text not null references published.publications,
    district_code  text not null,
    unit_code      text not null,
    movement_no    text not null,
    fund_year      integer not null,
    tier           text not null,
    fund_name      text,
    stage          text not null,
    amount_yuan    numeric(18, 2) not null,
    moved_on       date not null,
    document_no    text,
    project_no     text,
    township_code  text,
    submission_id  text not null,
    source_file    text not null,
    source_sheet   text not null,
    source_row     integer not null,
    primary key (publication_id, unit_code, movement_no)
);

create table published.finding_rows (
    publication_id text not null references published.publications,
    finding_no     integer not null,
    district_code  text not null,
    rule_id        text not null,
    subject        text not null,
    text           text not null,
    day_on         date not null,
    submission_id  text,
    primary key (publication_id, finding_no)
);

create table published.target_rows (
    publication_id text not null references published.publications,
    display_order  integer not null,
    level          text not null,
    target_name    text not null,
    target_count   integer not null,
    unit           text not null,
    primary key (publication_id, display_order)
);

-- The files of an issue, byte for byte; folders and the site hold copies of them.
create table published.documents (
    publication_id text not null references published.publications,
    file_name      text not null,
    media_type     text not null,
    sha256         text not null,
    content        bytea not null,
    primary key (publication_id, file_name)
);

comment on table published.visit_rows is 'Supervision visits of the period. Grain: one visit record in one issue';
comment on table published.file_rows is 'Files with a report date in the period, or none and an arrival in it. Grain: one file in one issue';
comment on table published.project_rows is 'Projects as they stood (weekly, monthly). Grain: one project in one issue';
comment on table published.movement_rows is 'Fund movements up to the day (weekly, monthly). Grain: one movement in one issue';
comment on table published.finding_rows is 'Findings: of the files of the day (daily), W03 and W04 (weekly, monthly). Grain: one finding in one issue';
comment on table published.target_rows is 'Key targets of the year, where known (monthly). Grain: one target in one issue';
comment on table published.documents is 'Files of an issue as they were issued. Grain: one file of one issue';

-- ── held issues ──────────────────────────────────────────────────────────────────────────────────────────────────────
create table ops.held_issues (
    hold_id        bigint generated always as identity primary key,
    district_code  text not null references raw.districts,
    series         text not null,
    business_on    date not null,
    is_correction  boolean not null,
    held_at        timestamptz not null default clock_timestamp(),
    checked_at     timestamptz not null default clock_timestamp(), -- when it was last asked for
    reasons        text[] not null,
    -- null while it is held
    ended_at       timestamptz,
    publication_id text references published.publications   -- null: the reasons went away, or nothing came of it
);
create unique index held_issues_open on ops.held_issues (district_code, series, business_on, is_correction) where ended_at is null;
comment on table ops.held_issues is 'Issues that a check holds back, and what became of them';

do $$
declare
    said constant jsonb := '{
        "publication_id": "Issue", "district_code": "District, 6 digits", "group_code": "Supervision group", "record_no": "记录编号", "visited_on": "督导日期",
        "township_code": "Township, 9 digits; <district>000: no township", "problem_no": "问题编号", "verdict": "核查结论", "submission_id": "File that the row came with",
        "source_file": "Name of the file", "source_sheet": "Sheet", "source_row": "Row", "unit_code": "Sender", "unit_name": "Name of the sender", "file_name": "Name of the file",
        "report_on": "Report date; null: it could not be told", "received_at": "Arrival", "outcome": "accepted, accepted_with_rejections, rejected or duplicate",
        "row_count": "Rows", "accepted_count": "Rows accepted", "rejected_count": "Rows sent back", "ignored_count": "Rows that are no data",
        "project_no": "项目编号", "project_name": "项目名称", "category": "项目类别", "place": "Place as written", "responsible_unit": "责任单位",
        "planned_yuan": "计划总投资", "central_yuan": "中央资金", "provincial_yuan": "省级资金", "municipal_yuan": "市级资金", "district_yuan": "区级资金", "other_yuan": "其他资金",
        "planned_start_on": "计划开工日期", "planned_finish_on": "计划完工日期", "actual_start_on": "实际开工日期", "actual_finish_on": "实际完工日期", "accepted_on": "验收日期",
        "progress_pct": "形象进度(%)", "stage": "Stage by the actual dates; of a movement: 环节", "first_reported_on": "First report date",
        "movement_no": "流水号", "fund_year": "资金年度", "tier": "资金层级", "fund_name": "资金名称", "amount_yuan": "金额", "moved_on": "发生日期", "document_no": "资金文号",
        "finding_no": "Number in the issue", "rule_id": "Rule", "subject": "What it is about", "text": "The finding in a sentence", "day_on": "Day concerned", "display_order": "Order", "level": "Who set it",
        "target_name": "Target", "target_count": "How many", "unit": "Of what", "media_type": "Media type", "sha256": "SHA-256 of the content", "content": "The bytes"
    }';
    place record;
begin
    for place in
        select c.oid::regclass as frozen, a.attname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.oid in (
            'published.visit_rows'::regclass, 'published.file_rows'::regclass, 'published.project_rows'::regclass,
            'published.movement_rows'::regclass, 'published.finding_rows'::regclass, 'published.target_rows'::regclass,
            'published.documents'::regclass
        )
    loop
        execute format('comment on column %s.%I is %L', place.frozen, place.attname, said ->> place.attname);
        if place.attname = 'publication_id' then
            execute format(
                'create trigger stays before update or delete or truncate on %s for each statement execute function ops.refuse_change()', place.frozen
            );
        end if;
    end loop;
end
$$;
