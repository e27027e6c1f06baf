-- What a build takes from the state of the work, as functions: models read ledgers, and no table of operation.

create function ops.known_through() returns timestamptz language sql stable as
'select through_received_at from ops.builds order by build_id desc limit 1';
comment on function ops.known_through is 'Arrivals up to this time belong to the running or last build';

create function ops.built_through() returns timestamptz language sql stable as
$$ select coalesce(max(through_received_at), '-infinity') from ops.builds where is_success $$;
comment on function ops.built_through is 'Arrivals up to this time are in the marts already';
