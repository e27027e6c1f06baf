-- Ledgers are shown by what their folders declare; the wording of the ranking rule is frozen with each issue.

-- ── ledgers that pages and issues show by declaration ────────────────────────────────────────────────────────────────
create table raw.shown_ledgers (
    ledger text primary key,
    spec   jsonb not null
);
comment on table raw.shown_ledgers is 'Ledgers that pages and issues show by what expectations/<ledger>/shown.yml declares; registered at make up';
comment on column raw.shown_ledgers.ledger is 'Ledger';
comment on column raw.shown_ledgers.spec is 'Title, series, counts and details; as duban.publishing.shown.Shown';

create function ops.rows_as_of(function_name text, district_code text, day date, known_at timestamptz) returns setof jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return query execute format('select to_jsonb(found) from marts.%I($1, $2, $3) as found', function_name) using district_code, day, known_at;
end
$$;
comment on function ops.rows_as_of is 'Rows of a function of the marts whose name is data: of a ledger that is shown by declaration';

create table published.ledger_rows (
    publication_id text not null references published.publications,
    ledger         text not null,
    row_no         integer not null,
    township_code  text not null,
    submission_id  text,
    source_file    text,
    source_sheet   text,
    source_row     integer,
    cells          jsonb not null,
    primary key (publication_id, ledger, row_no)
);
comment on table published.ledger_rows is 'Rows of ledgers that an issue prints by declaration (publications.shown_ledgers). Grain: one row of one ledger in one issue';
comment on column published.ledger_rows.publication_id is 'Issue';
comment on column published.ledger_rows.ledger is 'Ledger';
comment on column published.ledger_rows.row_no is 'Number of the row within ledger and issue, in the order of keys';
comment on column published.ledger_rows.township_code is 'Township, 9 digits; <district>000: no township';
comment on column published.ledger_rows.submission_id is 'File that the version came with; null: the row is counted from several';
comment on column published.ledger_rows.source_file is 'Name of the file';
comment on column published.ledger_rows.source_sheet is 'Sheet';
comment on column published.ledger_rows.source_row is 'Row';
comment on column published.ledger_rows.cells is 'What is counted and printed of it, by column';
create trigger stays before update or delete or truncate on published.ledger_rows for each statement execute function ops.refuse_change();

-- ── issues ───────────────────────────────────────────────────────────────────────────────────────────────────────────
alter table published.publications
    add column rule_wording  text,
    add column shown_ledgers jsonb not null default '[]';
comment on column published.publications.rule_wording is 'The ranking rule in words, as it is printed; null: an issue of an earlier release by a rule that had none';
comment on column published.publications.shown_ledgers is 'What was declared of the ledgers that it prints by declaration; empty: none';
-- what issues of earlier releases printed of the one rule that had words
alter table published.publications disable trigger stays;
update published.publications
set rule_wording = '先比整改率，相同再依次比未整改、超期、退回反弹的个数和最久未整改问题的工作日数，少者在前；全部相同则名次并列。'
where rule_code = 'ZY-2020-R1';
alter table published.publications enable trigger stays;
