-- A ledger is a folder of expectations/. Its table is made from its columns when the warehouse is prepared (warehouse/tables.py): a new
-- ledger needs no migration. Here stands what all of them share.

-- ── rows about single households ─────────────────────────────────────────────────────────────────────────────────────
create schema households;
comment on schema households is 'What is known of single households, and every version of ledgers of them; closed to BI';

-- ── what of a file was asked for ─────────────────────────────────────────────────────────────────────────────────────
alter table ops.submissions add column is_demanded boolean;
comment on column ops.submissions.is_demanded is
'Whether a row of a ledger that every unit must send was accepted; a file without one is no report. Null: judged before this was asked, when there were no others';

-- ── as with the other ledgers: what was masked later is found by when ────────────────────────────────────────────────
create index on raw.visit_versions (masked_at) where masked_at is not null;

-- ── names in texts ───────────────────────────────────────────────────────────────────────────────────────────────────
-- What row of a ledger said is never changed; characters of its texts become stars, and nothing else can. A free text is what the index of
-- its pairs is made of.
create or replace function personal.mask_again(place text, text_column text, ids bigint[], texts text[], as_of timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    relation constant regclass := place::regclass;
    is_ledger constant boolean := exists (
        select from pg_attribute where attrelid = relation and attname = 'masked_at' and not attisdropped
    );
    changed bigint;
begin
    if not exists (
        select
        from pg_index as pairs
        join pg_depend as function_used on function_used.objid = pairs.indexrelid and function_used.classid = 'pg_class'::regclass
        join pg_depend as text_used on text_used.objid = pairs.indexrelid and text_used.classid = 'pg_class'::regclass
        join pg_attribute as text on text.attrelid = pairs.indrelid and text.attnum = text_used.refobjsubid
        where
            pairs.indrelid = relation
            and function_used.refclassid = 'pg_proc'::regclass
            and function_used.refobjid = 'raw.pairs(text[])'::regprocedure
            and text_used.refobjid = relation
            and text.attname = text_column
    ) then
        raise exception '%.% holds no free text', place, text_column;
    end if;
    execute format(
        $update$
        update %1$s as row set %2$I = given.masked %3$s
        from unnest($1, $2) as given (id, masked)
        where
            row.%4$I = given.id
            and row.%2$I <> given.masked
            and length(row.%2$I) = length(given.masked)
            and row.%2$I like translate(regexp_replace(given.masked, '([\\%%_])', '\\\1', 'g'), '*', '_')
        $update$,
        relation, text_column,
        case when is_ledger then ', masked_at = $3' else '' end,
        case when is_ledger then 'version_id' else 'rejection_id' end
    ) using ids, texts, as_of;
    get diagnostics changed = row_count;
    return changed;
end
$$;
