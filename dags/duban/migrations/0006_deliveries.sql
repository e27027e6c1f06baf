-- What goes out: one line per thing, channel and address, written in the transaction that makes the thing. Who gets it is data.

-- ── who gets what ────────────────────────────────────────────────────────────────────────────────────────────────────
create table ops.recipients (
    recipient_id  bigint generated always as identity primary key,
    district_code text not null references raw.districts,
    audience      text not null check (audience in ('internal', 'leaders', 'townships')),
    unit_code     text references raw.units,                     -- a unit's own: it gets the unit's return slips as well
    channel       text not null check (channel in ('email', 'wecom', 'dingtalk')),
    address       text not null,                                 -- email: a mailbox; wecom, dingtalk: the name of an Airflow connection, never a key
    series        text[] check (series <@ array['daily', 'weekly', 'monthly']),  -- null: all; empty: no issue, return slips only
    is_active     boolean not null default true,
    unique nulls not distinct (district_code, audience, unit_code, channel, address),
    check (case channel when 'email' then address ~ '^[^\s@<>,;"]+@[^\s@<>,;"]+$' else address ~ '^[a-z][a-z0-9_]*$' end)
);
create index on ops.recipients (unit_code);
comment on table ops.recipients is 'Mailboxes and group robots, and what they get';

-- The one place that says who gets a thing: asked when its lines are written, and again before each is sent.
-- What is wrong with a unit's file is for that unit alone.
create view ops.addressees as
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
    and array_position(audiences, recipient.audience) <= array_position(audiences, district.audience)
    and (recipient.series is null or issue.series = any(recipient.series))
union all
select 'return', submission.submission_id, submission.district_code, recipient.channel, recipient.address
from ops.submissions as submission
join ops.recipients as recipient using (unit_code)
where recipient.is_active and submission.outcome in ('accepted_with_rejections', 'rejected');
comment on view ops.addressees is 'To whom each issue and each return goes by the recipients and switches of now';

-- ── what went, and what waits ────────────────────────────────────────────────────────────────────────────────────────
create table ops.deliveries (
    delivery_id     bigint generated always as identity primary key,
    subject_kind    text not null check (subject_kind in ('issue', 'return')),
    subject_id      text not null,                               -- publication_id, submission_id
    channel         text not null check (channel in ('folder', 'email', 'wecom', 'dingtalk')),
    address         text not null,                               -- '' for the folder
    district_code   text not null references raw.districts,
    -- the same for the same thing to the same address, whoever sends it and however often: a duplicate shows itself
    message_id      text not null generated always as (
        subject_kind || '.' || subject_id || '.' || channel || '.' || left(md5(address), 16) || '@' || district_code || '.duban'
    ) stored,
    status          text not null default 'waiting' check (status in ('waiting', 'sending', 'sent', 'failed', 'uncertain', 'withdrawn')),
    attempt_count   integer not null default 0,
    next_attempt_at timestamptz not null default clock_timestamp(),  -- of one that is being sent: when its worker must have come to an end
    last_error      text,
    note            text,                                        -- what persons decided about it, and why
    created_at      timestamptz not null default clock_timestamp(),
    sent_at         timestamptz,
    unique (subject_kind, subject_id, channel, address),
    check ((channel = 'folder') = (address = '')),
    check ((status = 'sent') = (sent_at is not null))
);
create index deliveries_open on ops.deliveries (channel, next_attempt_at) where status in ('waiting', 'sending');
create index deliveries_for_a_person on ops.deliveries (delivery_id) where status in ('failed', 'uncertain');
comment on table ops.deliveries is 'One line per thing, channel and address: sent once, or visibly not';
comment on column ops.deliveries.status is
'waiting; sending: begun; sent; failed: given up, a person looks; uncertain: handed over and not acknowledged, only a person sends it again; withdrawn: its address no longer gets such things';

-- ── what was returned and issued so far ──────────────────────────────────────────────────────────────────────────────
insert into ops.deliveries (subject_kind, subject_id, channel, address, district_code, status, created_at, next_attempt_at, sent_at)
select
    'return', submission_id, 'folder', '', district_code, case when returned_at is null then 'waiting' else 'sent' end,
    received_at, received_at, returned_at
from ops.submissions
where outcome is not null and outcome <> 'duplicate'
order by received_at;
insert into ops.deliveries (subject_kind, subject_id, channel, address, district_code, created_at)
select 'issue', publication_id, 'folder', '', district_code, published_at from published.publications order by published_at;

-- Readers keep their views: what they select of it is not among their columns.
do $$
declare
    reader record;
begin
    for reader in
        select distinct rule.ev_class::regclass as name, pg_get_viewdef(rule.ev_class) as definition
        from pg_depend as dependency
        join pg_rewrite as rule on rule.oid = dependency.objid
        join pg_attribute as attribute on (attribute.attrelid, attribute.attnum) = (dependency.refobjid, dependency.refobjsubid)
        where dependency.refobjid = 'ops.submissions'::regclass and attribute.attname = 'returned_at'
    loop
        execute format('create or replace view %s as %s', reader.name, regexp_replace(reader.definition, ',\s*submissions\.returned_at', ''));
    end loop;
end
$$;
alter table ops.submissions drop column returned_at;
