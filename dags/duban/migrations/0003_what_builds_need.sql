-- What a build needs besides ledgers: the state of the work through functions, and its schemas, which say what they are.

create function ops.known_through() returns timestamptz language sql stable as
'select through_received_at from ops.builds order by build_id desc limit 1';
comment on function ops.known_through is 'Arrivals up to this time belong to the running or last build';

create function ops.built_through() returns timestamptz language sql stable as
$$ select coalesce(max(through_received_at), '-infinity') from ops.builds where is_success $$;
comment on function ops.built_through is 'Arrivals up to this time are in the marts already';

create schema if not exists staging;
create schema if not exists intermediate;
create schema if not exists ref;
comment on schema staging is 'Ledgers and reference data as dbt reads them';
comment on schema intermediate is 'What the running or last build made anew';
comment on schema ref is 'Reference data: calendar, vocabulary, ranking rules';
