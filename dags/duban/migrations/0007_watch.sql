-- What is watched: one report a day as facts, what was muted, what failed, and whom it is told.

-- ── failed tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────
create table ops.task_failures (
    failure_id     bigint generated always as identity primary key,
    failed_at      timestamptz not null default clock_timestamp(),
    dag_id         text not null,
    task_id        text not null,
    run_id         text not null,
    map_index      integer not null,                             -- -1: the task is not mapped
    try_number     integer not null,
    exception_type text not null,
    first_line     text,                                         -- masked; null where it might hold what a sender wrote
    recovered_at   timestamptz,                                  -- when the same task succeeded the next time
    unique (dag_id, task_id, run_id, map_index, try_number)
);
create index task_failures_open on ops.task_failures (dag_id, task_id, map_index) where recovered_at is null;
create index on ops.task_failures (failed_at);
comment on table ops.task_failures is 'Tasks that failed for good in their run. Grain: one last attempt of one task';

-- ── the report of a day ──────────────────────────────────────────────────────────────────────────────────────────────
create table ops.watch_reports (
    watched_on     date primary key,
    watched_at     timestamptz not null,                         -- when it was made; made again, when that was
    database_bytes bigint not null,
    free_bytes     bigint                                        -- least free space of the folders; null: none could be asked
);
comment on table ops.watch_reports is 'The report of a day: made again, it is replaced. Grain: one day';

create table ops.watch_items (
    watched_on     date not null references ops.watch_reports on delete cascade,
    check_code     text not null,
    subject        text not null,                                -- what of the check it is about; the same tomorrow
    district_code  text references raw.districts,                -- null: the installation
    severity       text not null check (severity in ('error', 'warning', 'info')),
    text           text not null,                                -- in Chinese; no person, no file name, nothing a sender wrote
    first_seen_on  date not null,                                -- since when it is in every report
    is_new         boolean not null,                             -- not in the report before
    is_muted       boolean not null,
    runbook_anchor text not null,
    primary key (watched_on, check_code, subject),
    check (first_seen_on <= watched_on and is_new = (first_seen_on = watched_on))
);
comment on table ops.watch_items is 'What the report of a day found. Grain: one subject of one check on one day';

create table ops.watch_mutes (
    mute_id     bigint generated always as identity primary key,
    check_code  text not null,
    subject     text,                                            -- a pattern of LIKE; null: every subject of the check
    muted_until date not null,                                   -- the last day on which it holds
    reason      text not null check (btrim(reason) <> ''),
    muted_by    text not null,
    muted_at    timestamptz not null default clock_timestamp(),
    ended_at    timestamptz,                                     -- replaced by a later one for the same
    check (muted_until <= (muted_at at time zone 'Asia/Shanghai')::date + 90)
);
create unique index watch_mutes_in_force on ops.watch_mutes (check_code, subject) nulls not distinct where ended_at is null;
comment on table ops.watch_mutes is 'What is known and not told for a while, by whom and why. Grain: one mute';

-- ── what operators are told ──────────────────────────────────────────────────────────────────────────────────────────
create table ops.watch_messages (
    message_no    bigint generated always as identity primary key,
    message_key   text not null unique,                          -- <district>-watch-<day>-<number of the day>: subject_id of its deliveries
    district_code text not null references raw.districts,
    watched_on    date not null,
    said          text[] not null,                               -- the errors and warnings it was written from: severity, check, subject
    subject       text not null,
    text          text not null,
    created_at    timestamptz not null default clock_timestamp()
);
create index on ops.watch_messages (district_code, message_no);
comment on table ops.watch_messages is 'Messages to the operators of a district, as they were sent. Grain: one message';

alter table ops.recipients drop constraint recipients_audience_check;
alter table ops.recipients add constraint recipients_audience_check check (audience in ('internal', 'leaders', 'townships', 'operators'));
-- operators get watch reports, and neither issues nor the slips of a unit
alter table ops.recipients add constraint recipients_operators_check check (audience <> 'operators' or (unit_code is null and series is null));

alter table ops.deliveries drop constraint deliveries_subject_kind_check;
alter table ops.deliveries add constraint deliveries_subject_kind_check check (subject_kind in ('issue', 'return', 'watch'));

create or replace view ops.addressees as
with narrowest_first as (select array['internal', 'leaders', 'townships'] as audiences)
select 'issue' as subject_kind, publication_id as subject_id, district_code, 'folder' as channel, '' as address
from published.publications
union all
select 'return', submission_id, district_code, 'folder', ''
from ops.submissions
where outcome is not null and outcome <> 'duplicate'
union all
select 'issue', issue.publication_id, issue.district_code, recipient.channel, recipient.address
from published.publications as issue
join raw.districts as district using (district_code)
join ops.recipients as recipient using (district_code)
cross join narrowest_first
where
    recipient.is_active
    and recipient.audience = any(audiences)
    and array_position(audiences, recipient.audience) <= array_position(audiences, district.audience)
    and (recipient.series is null or issue.series = any(recipient.series))
union all
select 'return', submission.submission_id, submission.district_code, recipient.channel, recipient.address
from ops.submissions as submission
join ops.recipients as recipient using (unit_code)
where recipient.is_active and recipient.audience <> 'operators' and submission.outcome in ('accepted_with_rejections', 'rejected')
union all
select 'watch', message.message_key, message.district_code, recipient.channel, recipient.address
from ops.watch_messages as message
join ops.recipients as recipient using (district_code)
where recipient.is_active and recipient.audience = 'operators';
comment on view ops.addressees is 'To whom each issue, return and watch report goes by the recipients and switches of now';
