{#-
  What every ledger does, said once. A ledger is a source by the name of its folder (models/staging/_ledgers.yml), and
  what differs between them is (macros/_ledgers.sql): source (ledgers; households for rows about single households, of
  which no mart has any), scope and number (the two columns of its key), withdrawn (a condition), withdrawals_stand (as
  withdraw_by: office).

  A mart of a ledger says `config(ledger=…)`, a select list with the columns of the key, and from where:
  `current_versions(…)`. More of its config, both optional: `renamed`, {column of the mart: column of the ledger};
  `as_of` (ledgers_as_of).
-#}


{#- Every version of a ledger that is known, with is_withdrawn: by this build, or what the condition `known` says. -#}
{% macro versions_of(ledger, known=none) -%}
(
    select
        versions.*,
        {{ ledgers()[ledger].withdrawn }} as is_withdrawn
    from {{ source(ledgers()[ledger].source, ledger) }} as versions
    where {{ known or 'versions.received_at <= ' ~ known_through() }}
)
{%- endmacro %}


{#-
  The keys of a ledger about which something arrived since the last good build, or in whose texts a name was masked.

  arrivals: the table of the model that knows them, for what is not a model itself.
-#}
{% macro arrived(ledger, arrivals=none) -%}
{%- if ledgers()[ledger].source != 'ledgers' -%}
    {%- do exceptions.raise_compiler_error(ledger ~ ': rows about single households stay in their schema') -%}
{%- endif -%}
(
    select
        arrivals.scope_code as {{ ledgers()[ledger].scope }},
        arrivals.key_no as {{ ledgers()[ledger].number }}
    from {{ arrivals or ref('int_ledgers__arrived') }} as arrivals
    where arrivals.ledger = '{{ ledger }}'
)
{%- endmacro %}


{#- For a mart of a ledger: the current version of each key about which something arrived, unless it is withdrawn. -#}
{% macro current_versions(ledger) -%}
(
    select version.*
    from (
        select
            arrived.*,
            'infinity'::date as day_on
        from {{ arrived(ledger) | indent(8) }} as arrived
    ) as asked
    cross join lateral (
        {{ version_on(ledger) | indent(8) }}
    ) as version
    -- the current version is taken before: a later one may withdraw an earlier one
    where not version.is_withdrawn
)
{%- endmacro %}


{#-
  The version of a key that counts on a day: the latest of those reported by then. Where withdrawals of the office
  stand, its last word by then counts before that if it is one, until it says otherwise. One row or none, for the row
  `asked` of the query around it, which has the columns of the key and `day_on`. One or two looks into an index, however
  long the history.
-#}
{% macro version_on(ledger, known=none) -%}
{%- set contract = ledgers()[ledger] -%}
{%- set by_then -%}
    {%- for name in (contract.scope, contract.number) %}versions.{{ name }} = asked.{{ name }} and {% endfor -%}
    versions.report_on <= asked.day_on
{%- endset -%}
{%- if contract.withdrawals_stand -%}
select words.*
from (
    (
        select 1 as precedence, versions.*
        from {{ versions_of(ledger, known) | indent(8) }} as versions
        where {{ by_then }} and versions.is_office
        order by {{ newest_first() }}
        limit 1
    )
    union all
    (
        select 2 as precedence, versions.*
        from {{ versions_of(ledger, known) | indent(8) }} as versions
        where {{ by_then }}
        order by {{ newest_first() }}
        limit 1
    )
) as words
where words.precedence = 2 or words.is_withdrawn
order by words.precedence
limit 1
{%- else -%}
select versions.*
from {{ versions_of(ledger, known) }} as versions
where {{ by_then }}
order by {{ newest_first() }}
limit 1
{%- endif -%}
{%- endmacro %}


{#- The version that counts comes first. -#}
{% macro newest_first() -%}
    versions.report_on desc, versions.received_at desc, versions.version_id desc
{%- endmacro %}


{#-
  For a function of (district_code, day, known_at): the version of each key of the district that counts on the day, as
  known at the time; withdrawn ones too. `until`: the column that dates a row, of a ledger whose rows count from that
  day on and not from the day of the report.
-#}
{% macro versions_as_of(ledger, until=none) -%}
{%- set contract = ledgers()[ledger] -%}
{%- set known = 'versions.received_at <= $3' -%}
{%- if contract.scope == 'district_code' -%}
(
    with recursive
    leaps as (
        {{ numbers_of_district(source(contract.source, ledger), contract.number, 'leaps') | indent(8) }}
    ),

    asked as (
        select
            $1 as district_code,
            leaps.{{ contract.number }},
            {{ "'infinity'::date" if until else '$2' }} as day_on
        from leaps
        where leaps.{{ contract.number }} is not null
    )

    select version.*
    from asked
    cross join lateral (
        {{ version_on(ledger, known) | indent(8) }}
    ) as version
)
{%- else -%}
(
    select distinct on (versions.{{ contract.scope }}, versions.{{ contract.number }}) versions.*
    from {{ versions_of(ledger, known) | indent(4) }} as versions
    where versions.district_code = $1{{ ' and versions.report_on <= $2' if not until }}
    order by versions.{{ contract.scope }}, versions.{{ contract.number }}, {{ newest_first() }}
)
{%- endif -%}
{%- endmacro %}


{#-
  Makes the functions that marts of ledgers declare: `config(ledger=…, as_of={'name': …})`. Such a function answers for
  a district what the rows of the mart were on a day, as they were known at a time, each with the file, sheet and row
  that counts. More of `as_of`, all optional: until: as in versions_as_of; without: columns of the mart that the
  function has not; derived: expressions on `versions` of those that are no columns of the ledger; order: of its rows,
  default the key.
-#}
{% macro ledgers_as_of() -%}
    {%- for node in (graph.nodes if execute else {}).values() if node.config.get('as_of') -%}
        {%- set as_of, derived, columns, selected = node.config.as_of, {}, [], [] -%}
        {%- for name, renamed in node.config.get('renamed', {}).items() -%}
            {%- do derived.update({name: 'versions.' ~ renamed}) -%}
        {%- endfor -%}
        {%- do derived.update(as_of.get('derived', {})) -%}
        {%- for column in node.columns.values() if column.name not in as_of.get('without', []) -%}
            {%- do columns.append(column) -%}
        {%- endfor -%}
        {%- for name, type in (('source_file', 'text'), ('source_sheet', 'text'), ('source_row', 'integer')) -%}
            {%- do columns.append({'name': name, 'data_type': type}) -%}
        {%- endfor -%}
        {%- for column in columns -%}
            {%- set made = derived.get(column.name) -%}
            {%- do selected.append(made ~ ' as ' ~ column.name if made else 'versions.' ~ column.name) -%}
        {%- endfor -%}
        {%- set contract = ledgers()[node.config.ledger] -%}
        {%- set body %}
select
    {{ selected | join(',\n    ') }}
from {{ versions_as_of(node.config.ledger, as_of.until) }} as versions
where not versions.is_withdrawn{{ ' and versions.' ~ as_of.until ~ ' <= $2' if as_of.until }}
order by {{ as_of.get('order', 'versions.' ~ contract.scope ~ ', versions.' ~ contract.number) }}
        {%- endset %}
{{ keep_function(
    as_of.name,
    'district_code text, day date, known_at timestamptz',
    columns,
    body,
    'The rows of ' ~ node.name ~ ' of a district on a day as they were known at a time, '
    ~ 'each with the file, sheet and row that counts'
) }}
    {%- endfor -%}
{%- endmacro %}
