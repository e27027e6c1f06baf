-- Rights in the warehouse, all of them: granted anew after every migration, as `duban_owner`, in one transaction. What is not named here is
-- not granted. Tables and functions of `marts` grant themselves when dbt makes them (dbt_project.yml, macros/keep_function.sql).

-- ── nothing to anybody ───────────────────────────────────────────────────────────────────────────────────────────────
do $$
declare
    roles constant text := 'public, duban_loader, duban_transformer, duban_publisher, bi_reader, personal_reader';
    place text;
begin
    foreach place in array array['raw', 'households', 'personal', 'quarantine', 'ops', 'published', 'staging', 'intermediate', 'candidates', 'marts', 'ref'] loop
        execute format('revoke all on schema %I from %s', place, roles);
        if place in ('raw', 'households', 'personal', 'quarantine', 'ops', 'published') then
            execute format('revoke all on all tables in schema %I from %s', place, roles);
            execute format('revoke all on all sequences in schema %I from %s', place, roles);
            execute format('revoke all on all routines in schema %I from %s', place, roles);
        end if;
    end loop;
end
$$;

-- ── intake: reads what it judges by, appends what it judged ──────────────────────────────────────────────────────────
grant usage on schema raw, households, quarantine, ops, personal to duban_loader;
grant select on all tables in schema raw, households to duban_loader;
do $$
declare
    versions regclass;
begin
    -- the tables of the ledgers, whichever there are (warehouse/tables.py)
    for versions in
        select oid from pg_class
        where relnamespace in ('raw'::regnamespace, 'households'::regnamespace) and relkind = 'r' and relname like '%\_versions'
    loop
        execute format('grant insert on %s to duban_loader', versions);
    end loop;
end
$$;
grant select, insert on quarantine.rejected_rows, quarantine.findings to duban_loader;
grant select, insert, update on ops.submissions, ops.deliveries to duban_loader;
grant usage on sequence ops.submission_no to duban_loader;
grant insert on ops.gate_results to duban_loader;
grant select on ops.addressees, ops.builds, ops.identity to duban_loader;
-- it writes down who is who, and cannot look it up
grant insert on personal.original_rows to duban_loader;
grant execute on function personal.keep_households(text[], text[], text[]) to duban_loader;
-- and asks for names by two characters of a text that it has, to mask them there; of what was loaded earlier it
-- can make stars, nothing else
grant execute on function personal.keep_names(text, text[]), personal.names_that_open(text, text[]) to duban_loader;
grant execute on function personal.mask_again(text, text, bigint[], text[], timestamptz), raw.pairs(text[]) to duban_loader;

-- ── dbt: reads what came in, owns what it builds ─────────────────────────────────────────────────────────────────────
grant usage on schema raw, quarantine, ops to duban_transformer;
grant usage, create on schema households, staging, intermediate, candidates, marts, ref to duban_transformer;
grant select on all tables in schema raw, households, quarantine to duban_transformer;
grant select on ops.submissions, ops.watch_items to duban_transformer;
grant select, insert, update on ops.builds to duban_transformer;
grant execute on function ops.begin_build(), ops.known_through(), ops.built_through() to duban_transformer;

-- ── publications, pages, deliveries: reads what is shown (as a member of bi_reader), appends issues ──────────────────
grant usage on schema raw, quarantine, ops to duban_publisher;
grant select on all tables in schema raw, quarantine to duban_publisher;
grant select on ops.submissions, ops.builds, ops.addressees, ops.recipients, ops.identity to duban_publisher;
grant insert on all tables in schema published to duban_publisher;
-- a text that holds a name is not published
grant usage on schema personal to duban_publisher;
grant execute on function personal.names_that_open(text, text[]) to duban_publisher;
grant execute on function ops.rows_as_of(text, text, date, timestamptz) to duban_publisher;
grant select, insert, update on ops.deliveries, ops.held_issues to duban_publisher;
grant select, insert on ops.live_pages to duban_publisher;
-- watching: a report of a day that is made again is replaced
grant select on ops.gate_results, ops.watch_mutes to duban_publisher;
grant select, insert, delete on ops.watch_reports, ops.watch_items to duban_publisher;
grant select, insert on ops.watch_messages to duban_publisher;
grant select, insert, update on ops.task_failures to duban_publisher;

-- ── readers ──────────────────────────────────────────────────────────────────────────────────────────────────────────
grant usage on schema marts, published to bi_reader;
grant select on all tables in schema published to bi_reader;
grant usage on schema personal, households to personal_reader;
grant select on all tables in schema personal, households to personal_reader;
