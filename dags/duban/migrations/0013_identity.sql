-- Submissions and issues are numbered from 1 in every warehouse: an outbox of two would lose what they call by one name. The outbox bears
-- the identity of the warehouse that writes there (dags/duban/outbox.py).
create table ops.identity (
    is_only      boolean primary key default true check (is_only),
    warehouse_id uuid not null default gen_random_uuid()
);
insert into ops.identity default values;
comment on table ops.identity is 'Which warehouse this is; a backup keeps it. Grain: one row';

comment on table published.finding_rows is
'Findings: of the files of the day (daily), W03, W04 and W30 (weekly, monthly). Grain: one finding in one issue';
