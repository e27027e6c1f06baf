{#-
  The last step of a run that built marts: what the candidates hold is shown in `marts`, in one transaction, and the
  build is recorded as good. After a failure nothing is shown, and the build is recorded as failed.

  Only rows that differ are touched, and only those that the build made anew are compared. A table whose columns are no
  longer those of its candidate is made anew within the same transaction.
-#}
{% macro publish_marts() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set marts = [] -%}
        {%- set failed = [] -%}
        {%- for result in results -%}
            {%- if result.status | string not in ('success', 'pass', 'warn', 'no-op') -%}
                {%- do failed.append(result.node.name) -%}
            {%- elif result.node.resource_type | string == 'model' and result.node.config.materialized == 'mart' -%}
                {%- do marts.append(result.node) -%}
            {%- endif -%}
        {%- endfor -%}
begin;
        {%- if not failed and marts %}
            {%- set shapes = shapes_of(marts) -%}
            {%- for node in marts %}
{{ publish_mart(node, shapes) }}
            {%- endfor %}
        {%- endif %}
{{ finish_build(not failed and shows_every_mart(marts), results | length) }};
commit;
    {%- endif -%}
{%- endmacro %}


{#- Columns of the marts and of their candidates, asked for once: {(schema, table): {names, types}}. -#}
{% macro shapes_of(marts) -%}
    {%- set shapes = {} -%}
    {%- set tables = [] -%}
    {%- for node in marts -%}
        {%- do tables.append("('" ~ node.schema ~ "', '" ~ node.alias ~ "'), ('candidates', '" ~ node.alias ~ "')") -%}
    {%- endfor -%}
    {%- set columns = run_query(
        "select n.nspname, c.relname, string_agg(quote_ident(a.attname), ', ' order by a.attnum),"
        ~ " string_agg(format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum)"
        ~ " from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
        ~ " join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        ~ " where (n.nspname, c.relname) in (" ~ tables | join(', ') ~ ") group by 1, 2"
    ) -%}
    {%- for schema, table, names, types in columns.rows -%}
        {%- do shapes.update({(schema, table): {'names': names, 'types': types}}) -%}
    {%- endfor -%}
    {%- do return(shapes) -%}
{%- endmacro %}


{% macro publish_mart(node, shapes) -%}
    {%- set shown = relation_of(node.name).incorporate(type='table') -%}
    {%- set candidate = candidate_of(shown) -%}
    {%- set shape = shapes[(candidate.schema, candidate.identifier)] -%}
    {%- set names = shape.names -%}
    {%- set existing = load_relation(shown) -%}
    {%- if shapes.get((shown.schema, shown.identifier)) != shape %}
        {%- if existing is not none %}
drop {{ existing.type }} {{ shown }};
        {%- endif %}
{{ make_shown(shown, candidate, node) }}
insert into {{ shown }} select * from {{ candidate }};
    {%- else %}
        {%- set key = primary_key_of(node) -%}
        {%- set same_row -%}
            {%- for name in key %}shown.{{ name }} = candidate.{{ name }} and {% endfor -%}
            shown is not distinct from candidate
        {%- endset %}
delete from {{ shown }} as shown
where {{ is_affected(node, 'shown') }} and not exists (select from {{ candidate }} as candidate where {{ same_row }});
insert into {{ shown }} ({{ names }})
select {{ names }} from {{ candidate }} as candidate
where {{ is_affected(node, 'candidate') }} and not exists (select from {{ shown }} as shown where {{ same_row }});
        {%- if should_full_refresh() %}
{{ alter_relation_comment(shown, node.description) }};
{{ alter_column_comment(shown, node.columns) }}
        {%- endif %}
    {%- endif %}
{%- endmacro %}


{#- An empty table for readers in the shape of a candidate, with its keys, comments and grants. -#}
{% macro make_shown(shown, candidate, node) -%}
create table {{ shown }} (like {{ candidate }} including all);
{{ alter_relation_comment(shown, node.description) }};
{%- for privilege, roles in node.config.grants.items() %}
grant {{ privilege }} on {{ shown }} to {{ roles | join(', ') }};
{%- endfor %}
{%- endmacro %}


{#- The columns of the primary key in the contract of a mart. -#}
{% macro primary_key_of(node) -%}
    {%- set types = ('primary_key', 'ConstraintType.primary_key') -%}
    {%- for constraint in node.constraints if constraint.type | string in types -%}
        {%- do return(constraint.columns) -%}
    {%- endfor -%}
    {%- do exceptions.raise_compiler_error(node.name ~ ' has no primary key') -%}
{%- endmacro %}


{#-
  Whether a run built every mart that accepted rows change. A run of some models only leaves the next build all of its
  work.
-#}
{% macro shows_every_mart(marts) -%}
    {%- set built = marts | map(attribute='name') | list -%}
    {%- for node in graph.nodes.values() if node.config.materialized == 'mart' and 'reference' not in node.tags -%}
        {%- if node.name not in built -%}{%- do return(false) -%}{%- endif -%}
    {%- endfor -%}
    {%- do return(true) -%}
{%- endmacro %}


{#- Whether a row is of a group that the build made anew. A full refresh made all of them. -#}
{% macro is_affected(node, row) -%}
    {%- set affected = affected_of(node) -%}
    {%- if affected and not should_full_refresh() -%}
        exists (
            select from {{ affected.relation }} as affected
            where {{ affected.condition | replace('row.', row ~ '.') }}
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
