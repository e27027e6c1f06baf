-- Names of household heads are masked in every text of their district, whichever row, ledger or file names them, and whenever it comes.

-- ── who is known ─────────────────────────────────────────────────────────────────────────────────────────────────────
create table personal.known_names (
    district_code text not null references raw.districts,
    name          text not null,                  -- nothing between its characters, and none that looks like another
    primary key (district_code, name)
);
create index on personal.known_names (district_code, left(name, 2));
comment on table personal.known_names is 'Household heads that any row of a district named in 户主姓名. Grain: one name of one district';
comment on column personal.known_names.district_code is 'District, 6 digits';
comment on column personal.known_names.name is 'Name without spaces and points';

create function personal.keep_names(district text, names text[]) returns setof text
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into personal.known_names (district_code, name)
    select district, name from unnest(names) as name
    where not exists (
        select
        from raw.townships as township
        left join raw.villages as village using (township_code)
        where
            township.district_code = district
            and (starts_with(township.township_name, name) or starts_with(village.village_name, name))
    )
    on conflict do nothing
    returning name
$$;
comment on function personal.keep_names is
'Keep names of household heads of a district, but none by which one of its places is called; returns those that were not known';

create function personal.names_that_open(district text, openings text[]) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select known.name
    from unnest(openings) as opening
    join personal.known_names as known on known.district_code = district and left(known.name, 2) = opening
$$;
comment on function personal.names_that_open is 'Names of a district that begin with two characters which whoever asks has before him';

-- ── which texts hold a name ──────────────────────────────────────────────────────────────────────────────────────────
-- Every two characters that stand together, without what is left aside between the characters of a name (intake/names.py, plain_text).
create function raw.pairs(variadic texts text[]) returns text[]
language sql immutable parallel safe as $$
    select array_agg(distinct first || second)
    from (
        select character as first, lead(character) over (order by place) as second
        from unnest(string_to_array(normalize(regexp_replace(
            array_to_string(texts, '|'),
            '[\u0009-\u000d\u001c-\u0020\u0085\u00a0\u00ad\u034f\u0387\u061c\u1680\u16eb\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f'
            '\u2022\u2027\u2219\u22c5\u2e31\u3000\u30fb\ufe00-\ufe0f\ufeff\uff0e\uff65\U000e0100-\U000e01ef.·_-]+',
            '', 'g'
        ), nfkc), null)) with ordinality as characters (character, place)
    ) as neighbours
    where second is not null
$$;
comment on function raw.pairs is 'Every two characters that stand together in texts: by what a name is found in them';

alter table raw.problem_versions add column masked_at timestamptz;
alter table raw.fund_movement_versions add column masked_at timestamptz;
alter table raw.project_versions add column masked_at timestamptz;
alter table raw.visit_versions add column masked_at timestamptz;
comment on column raw.problem_versions.masked_at is 'When a name that came later was masked in its texts, as a time of arrival; null: never';
comment on column raw.fund_movement_versions.masked_at is 'When a name that came later was masked in its texts, as a time of arrival; null: never';
comment on column raw.project_versions.masked_at is 'When a name that came later was masked in its texts, as a time of arrival; null: never';
comment on column raw.visit_versions.masked_at is 'When a name that came later was masked in its texts, as a time of arrival; null: never';
create index on raw.problem_versions (masked_at) where masked_at is not null;
create index on raw.fund_movement_versions (masked_at) where masked_at is not null;
create index on raw.project_versions (masked_at) where masked_at is not null;

create index problem_versions_pairs on raw.problem_versions
using gin (raw.pairs(feedback_batch, description, department, measures, evidence, void_reason, remark));
create index fund_movement_versions_pairs on raw.fund_movement_versions
using gin (raw.pairs(document_no, fund_name, void_reason, remark));
create index project_versions_pairs on raw.project_versions
using gin (raw.pairs(project_name, construction_kind, place, content, responsible_unit, issues, void_reason, remark));
create index visit_versions_pairs on raw.visit_versions using gin (raw.pairs(description, void_reason, remark));
create index rejected_rows_pairs on quarantine.rejected_rows using gin (raw.pairs(value_masked));

-- ── and are masked in them ───────────────────────────────────────────────────────────────────────────────────────────
-- What a row said is never changed; characters of its texts become stars, and nothing else can.
create function personal.mask_again(place text, text_column text, ids bigint[], texts text[], as_of timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    free constant jsonb := '{
        "raw.problem_versions": ["feedback_batch", "description", "department", "measures", "evidence", "void_reason", "remark"],
        "raw.fund_movement_versions": ["document_no", "fund_name", "void_reason", "remark"],
        "raw.project_versions": [
            "project_name", "construction_kind", "place", "content", "responsible_unit", "issues", "void_reason", "remark"
        ],
        "raw.visit_versions": ["description", "void_reason", "remark"],
        "quarantine.rejected_rows": ["value_masked"]
    }';
    changed bigint;
begin
    if not coalesce(free -> place ? text_column, false) then
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
        place, text_column,
        case when place like 'raw.%' then ', masked_at = $3' else '' end,
        case when place like 'raw.%' then 'version_id' else 'rejection_id' end
    ) using ids, texts, as_of;
    get diagnostics changed = row_count;
    return changed;
end
$$;
comment on function personal.mask_again is 'Put stars in the place of characters in texts of ledger rows or rejected rows; changes nothing else';
