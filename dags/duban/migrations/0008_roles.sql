-- What a role needs to do its work without being able to do more.

-- The loader writes identities down and cannot look them up.
create function personal.keep_households(keys text[], id_numbers text[], holder_names text[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into personal.households (household_key, id_number, holder_name)
    select * from unnest(keys, id_numbers, holder_names)
    on conflict (household_key) do update set holder_name = coalesce(excluded.holder_name, households.holder_name)
$$;
comment on function personal.keep_households is 'Keep identity number and name of households by key; a newer name replaces an older one';

comment on table personal.households is 'Who a household key stands for. Grain: one household';
comment on column personal.households.household_key is 'HMAC-SHA256 of the identity number; as in raw and marts';
comment on column personal.households.id_number is 'Identity number, 18 characters';
comment on column personal.households.holder_name is '户主姓名 as last reported';
comment on table personal.original_rows is 'Rows as their senders wrote them, unknown columns included, accepted or not. Grain: one row of one submission';
comment on column personal.original_rows.submission_id is 'File';
comment on column personal.original_rows.ledger is 'Ledger: problems, funds, projects, visits';
comment on column personal.original_rows.sheet is 'Sheet';
comment on column personal.original_rows.row_no is 'Row of the sheet';
comment on column personal.original_rows.cells is 'Header and text of every cell';
