-- A build of the marts: begins with what is known, and is shown to readers as a whole or not at all.

create schema candidates;
comment on schema candidates is 'The marts as the running or last build made them; readers see marts';

-- Everything that arrived up to now belongs to the build that begins: it waits for a load in progress (lock 820004, as warehouse.py).
create function ops.begin_build() returns bigint language plpgsql as $$
declare
    begun bigint;
begin
    perform pg_advisory_xact_lock(820004);
    insert into ops.builds (through_received_at) select max(received_at) from ops.submissions returning build_id into begun;
    return begun;
end
$$;
comment on function ops.begin_build is 'Record that a build begins and up to which arrival it holds everything';

-- The state of a key on a day is one look into an index: the last version before it, and the last word of the office.
create index problem_versions_of_a_key on raw.problem_versions (district_code, problem_no, report_on, received_at, version_id);
create index problem_versions_of_the_office on raw.problem_versions (district_code, problem_no, report_on, received_at, version_id) where is_office;
drop index raw.problem_versions_district_code_problem_no_report_on_receive_idx;
create index project_versions_of_a_key on raw.project_versions (district_code, project_no, report_on, received_at, version_id);
create index project_versions_of_the_office on raw.project_versions (district_code, project_no, report_on, received_at, version_id) where is_office;
drop index raw.project_versions_district_code_project_no_report_on_receive_idx;
