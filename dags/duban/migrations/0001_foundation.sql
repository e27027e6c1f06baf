-- The ground the warehouse stands on: everything that is not built by dbt.
--
--   raw         what the ledgers said: every version, append-only, with lineage; and who may speak (divisions, units)
--   personal    what identifies a person; nothing else may hold it
--   quarantine  what was sent back and why; findings
--   ops         what was taken, judged, built: the state of the work
--   published   frozen issues (filled by the publications)
--
-- The schemas staging, intermediate and marts belong to dbt. Times are timestamptz, money is numeric(18,2) in yuan, dates are dates.

create schema if not exists raw;
create schema if not exists personal;
create schema if not exists quarantine;
create schema if not exists ops;
create schema if not exists published;
create schema if not exists marts;

comment on schema raw is 'Every version of every ledger row, append-only, with lineage to file, sheet and row; divisions and units';
comment on schema personal is 'Names and identity numbers of household members and full original rows; closed to BI';
comment on schema quarantine is 'Rejected rows and findings: what, where, which rule, why, how to fix';
comment on schema ops is 'State of the work: submissions, gate runs, builds, pages';
comment on schema published is 'Frozen publications';
comment on schema marts is 'What BI reads; built by dbt';

-- ── divisions, units, campaigns ──────────────────────────────────────────────────────────────────────────────────────
create table raw.districts (
    district_code text primary key check (district_code ~ '^\d{6}$'),
    district_name text not null,
    -- set when the figures are made up for a demonstration; every publication prints it
    data_label    text
);

create table raw.townships (
    township_code text primary key check (township_code ~ '^\d{9}$'),
    district_code text not null references raw.districts,
    township_name text not null,
    township_kind text not null,
    is_ranked     boolean not null,
    display_order integer not null
);
create index on raw.townships (district_code);

create table raw.villages (
    village_code  text primary key check (village_code ~ '^\d{12}$'),
    village_name  text not null,
    township_code text not null references raw.townships
);
create index on raw.villages (township_code);

create table raw.units (
    unit_code     text primary key,
    district_code text not null references raw.districts,
    unit_kind     text not null check (unit_kind in ('township', 'office', 'group')),
    unit_name     text not null
);
create index on raw.units (district_code);

create table raw.campaigns (
    district_code text not null references raw.districts,
    campaign_name text not null,
    started_on    date not null,
    ended_on      date not null check (ended_on >= started_on),
    primary key (district_code, started_on)
);

-- ── submissions: one line per file taken ─────────────────────────────────────────────────────────────────────────────
create sequence ops.submission_no;

create table ops.submissions (
    submission_id  text primary key,
    district_code  text not null references raw.districts,
    unit_code      text not null references raw.units,
    inbox_path     bytea not null,                -- relative to the inbox; where the bytes were found (a name need not be valid text)
    file_name      text not null,                 -- as shown: what is not valid text is escaped
    file_sha256    text not null,                 -- the bytes lie in landing/<sha256[:2]>/<sha256>
    file_size      bigint not null,
    file_mtime_ns  bigint not null,
    claimed_at     timestamptz not null default clock_timestamp(),
    removed_at     timestamptz,                   -- when the file left the inbox; null: still to be removed
    -- everything below is null until the one transaction that gives the outcome
    outcome        text check (outcome in ('accepted', 'accepted_with_rejections', 'rejected', 'duplicate')),
    received_at    timestamptz,
    report_on      date,
    row_count      integer,
    accepted_count integer,
    rejected_count integer,
    ignored_count  integer,
    corrects_id    text references ops.submissions,  -- a return slip sent back: the submission it corrects
    duplicate_of   text references ops.submissions,
    receipt        jsonb,
    returned_at    timestamptz,                   -- when receipt and slip lay in the outbox
    check ((outcome is null) = (received_at is null)),
    check ((outcome is null) = (receipt is null)),
    check (row_count = accepted_count + rejected_count + ignored_count)
);
create unique index on ops.submissions (received_at);
create index on ops.submissions (unit_code, file_sha256);
create index on ops.submissions (unit_code, report_on);
create index on ops.submissions (claimed_at) where outcome is null;
create index on ops.submissions (received_at) where returned_at is null;

-- ── the ledgers: every version ───────────────────────────────────────────────────────────────────────────────────────
create table raw.problem_versions (
    version_id     bigint generated always as identity primary key,
    submission_id  text not null references ops.submissions,
    district_code  text not null,
    unit_code      text not null,                 -- who reported
    is_office      boolean not null,              -- reported by the district office
    report_on      date not null,
    received_at    timestamptz not null,
    problem_no     text not null,
    township_code  text not null,                 -- <district>000: the problem belongs to no township
    village_code   text,
    household_key  text,                          -- keyed HMAC of the identity number
    source         text not null,
    feedback_batch text,
    found_on       date not null,
    category       text not null,
    description    text not null,                 -- identity and phone numbers masked, here and in every text below
    department     text,
    measures       text,
    leader_name    text not null,
    due_on         date not null,
    status         text not null check (status in ('open', 'in_progress', 'rectified', 'void')),
    rectified_on   date,
    evidence       text,
    void_reason    text,
    remark         text,
    source_file    text not null,
    source_sheet   text not null,
    source_row     integer not null
);
create index on raw.problem_versions (district_code, problem_no, report_on, received_at);
create index on raw.problem_versions (submission_id);
create index on raw.problem_versions (received_at);

create table raw.fund_movement_versions (
    version_id     bigint generated always as identity primary key,
    submission_id  text not null references ops.submissions,
    district_code  text not null,
    unit_code      text not null,
    is_office      boolean not null,
    report_on      date not null,
    received_at    timestamptz not null,
    movement_no    text not null,
    fund_year      integer not null,
    document_no    text,
    tier           text not null,
    fund_name      text,
    stage          text not null,
    amount_yuan    numeric(18, 2) not null,
    moved_on       date not null,
    project_no     text,
    township_code  text,
    village_codes  text[] not null default '{}',
    void_reason    text,                          -- filled: the sender withdraws its own movement
    remark         text,
    source_file    text not null,
    source_sheet   text not null,
    source_row     integer not null
);
create index on raw.fund_movement_versions (unit_code, movement_no, report_on, received_at);
create index on raw.fund_movement_versions (submission_id);
create index on raw.fund_movement_versions (received_at);

create table raw.project_versions (
    version_id         bigint generated always as identity primary key,
    submission_id      text not null references ops.submissions,
    district_code      text not null,
    unit_code          text not null,
    is_office          boolean not null,
    report_on          date not null,
    received_at        timestamptz not null,
    project_no         text not null,
    project_name       text not null,
    category           text not null,
    construction_kind  text,
    township_code      text not null,             -- <district>000: owned by a department
    village_codes      text[] not null default '{}',
    place              text,                      -- the place as written
    content            text,
    responsible_unit   text,
    planned_yuan       numeric(18, 2) not null,
    central_yuan       numeric(18, 2),
    provincial_yuan    numeric(18, 2),
    municipal_yuan     numeric(18, 2),
    district_yuan      numeric(18, 2),
    other_yuan         numeric(18, 2),
    planned_start_on   date,
    planned_finish_on  date,
    actual_start_on    date,
    actual_finish_on   date,
    accepted_on        date,
    progress_pct       numeric(12, 6),
    household_count    integer,
    person_count       integer,
    issues             text,
    void_reason        text,                      -- office only: the project is withdrawn
    remark             text,
    source_file        text not null,
    source_sheet       text not null,
    source_row         integer not null
);
create index on raw.project_versions (district_code, project_no, report_on, received_at);
create index on raw.project_versions (submission_id);
create index on raw.project_versions (received_at);

create table raw.visit_versions (
    version_id     bigint generated always as identity primary key,
    submission_id  text not null references ops.submissions,
    district_code  text not null,
    unit_code      text not null,                 -- the supervision group
    is_office      boolean not null default false,
    report_on      date not null,
    received_at    timestamptz not null,
    record_no      text not null,
    visited_on     date not null,
    township_code  text not null,                 -- <district>000: a department's problem
    village_code   text,
    problem_no     text,
    verdict        text not null,
    description    text,
    visitors       text not null,
    void_reason    text,                          -- filled: the group withdraws its own record
    remark         text,
    source_file    text not null,
    source_sheet   text not null,
    source_row     integer not null
);
create index on raw.visit_versions (unit_code, record_no, report_on, received_at);
create index on raw.visit_versions (district_code, problem_no);
create index on raw.visit_versions (submission_id);
create index on raw.visit_versions (received_at);

-- ── personal ─────────────────────────────────────────────────────────────────────────────────────────────────────────
create table personal.households (
    household_key text primary key,               -- HMAC-SHA256 of the identity number under DUBAN_HMAC_KEY
    id_number     text not null,
    holder_name   text
);

-- The whole row as the sender wrote it, unknown columns included. Accepted and rejected rows alike.
create table personal.original_rows (
    submission_id text not null references ops.submissions,
    ledger        text not null,
    sheet         text not null,
    row_no        integer not null,
    cells         jsonb not null,
    primary key (submission_id, sheet, row_no)
);

-- ── quarantine ───────────────────────────────────────────────────────────────────────────────────────────────────────
create table quarantine.rejected_rows (
    rejection_id  bigint generated always as identity primary key,
    submission_id text not null references ops.submissions,
    unit_code     text not null,
    ledger        text not null,                  -- '' for a file rule
    sheet         text not null,
    row_no        integer,                        -- null for a file rule
    column_name   text,
    cell          text,
    rule_id       text not null,
    value_masked  text,
    reason        text not null,
    how_to_fix    text not null
);
create index on quarantine.rejected_rows (submission_id);

create table quarantine.findings (
    finding_id    bigint generated always as identity primary key,
    submission_id text not null references ops.submissions,
    district_code text not null,
    township_code text,
    day_on        date not null,
    rule_id       text not null,
    subject       text not null,
    text          text not null
);
create index on quarantine.findings (submission_id);

-- ── ops: gate, builds, pages ─────────────────────────────────────────────────────────────────────────────────────────
create table ops.gate_results (
    gate_result_id  bigint generated always as identity primary key,
    judged_at       timestamptz not null default clock_timestamp(),
    first_submission_id text not null,
    file_count      integer not null,
    ledger          text not null,
    rule_id         text not null,
    expectation     text not null,
    rows_evaluated  integer not null,
    rows_failed     integer not null
);
create index on ops.gate_results (judged_at);

-- A build holds everything received up to through_received_at.
create table ops.builds (
    build_id            bigint generated always as identity primary key,
    started_at          timestamptz not null default clock_timestamp(),
    through_received_at timestamptz,
    finished_at         timestamptz,
    is_success          boolean,
    node_count          integer
);
create index on ops.builds (finished_at) where is_success;

create table ops.live_pages (
    page_id             bigint generated always as identity primary key,
    rendered_at         timestamptz not null default clock_timestamp(),
    build_id            bigint not null references ops.builds,
    through_received_at timestamptz
);
