{#-
  A mart is built, tested, and only then shown. The build writes a candidate, a table of the same name in the schema
  `candidates`; `ref()` leads models and tests to it (macros/ref.sql); at the end of a run in which nothing failed,
  `publish_marts` brings the tables in `marts` to what the candidates hold, in one transaction. Readers never meet half
  a build, nor one that failed.

  Config `affected` (optional): {model, keys: {column of the mart: column of the model}}. The model names the groups of
  rows that this build makes anew: rows of these groups are deleted from the candidate, what the query returns is added.
  Config `ledger` (optional): as if the keys of this ledger about which something arrived were named
  (macros/ledgers.sql). Without either the query returns all rows.
-#}
{% materialization mart, adapter='postgres' %}
    {%- set target = candidate_of(this) -%}
    {%- set affected = affected_of(model) -%}

    {{ run_hooks(pre_hooks) }}
    {%- if is_partial() %}
        {%- set columns = adapter.dispatch('get_column_names', 'dbt')() -%}
        {%- call statement('main') %}
            delete from {{ target }}
            {%- if affected %}
            using {{ affected.relation }} as affected
            where {{ affected.condition | replace('row.', target ~ '.') }}
            {%- endif %};
            insert into {{ target }} ({{ columns }})
            select {{ columns }}
            from (
                {{ sql }}
            ) as rows
        {%- endcall %}
    {%- else %}
        {%- do run_query('drop table if exists ' ~ target) -%}
        {%- call statement('main') %}
            {{ get_create_table_as_sql(False, target, sql) }}
        {%- endcall %}
        {%- do create_indexes(target) -%}
        {#- later models of this build join it, and a table just filled has no statistics -#}
        {%- do run_query('analyze ' ~ target) -%}
        {%- do persist_docs(target, model) -%}
        {%- if load_relation(this) is none -%}
            {#- dbt must know of it as well, or it would be made a second time at the end -#}
            {%- set shown = this.incorporate(type='table') -%}
            {%- do run_query(make_shown(shown, target, model)) -%}
            {%- do adapter.cache_added(shown) -%}
        {%- endif -%}
    {%- endif %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{#-
  The groups of rows of a mart that a build makes anew: a relation, and the condition on `affected` and a `row`; nothing
  for all rows.
-#}
{% macro affected_of(node) -%}
    {%- set affected = node.config.get('affected') -%}
    {%- if not affected and not node.config.get('ledger') -%}
        {%- do return(none) -%}
    {%- endif -%}
    {%- set relation = relation_of(affected.model if affected else 'int_ledgers__arrived') -%}
    {%- set keys, conditions = dict(affected['keys'] if affected else {}), [] -%}
    {%- if not affected -%}
        {%- set relation = arrived(node.config.ledger, relation) -%}
        {%- set contract = ledgers()[node.config.ledger] -%}
        {%- do keys.update({contract.scope: contract.scope, contract.number: contract.number}) -%}
        {%- for name, renamed in node.config.get('renamed', {}).items() if renamed in keys -%}
            {%- do keys.update({name: keys.pop(renamed)}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for key, in_affected in keys.items() -%}
        {%- do conditions.append('affected.' ~ in_affected ~ ' = row.' ~ key) -%}
    {%- endfor -%}
    {%- do return({'relation': relation, 'condition': conditions | join(' and ')}) -%}
{%- endmacro %}


{#- The table that a build writes for a mart. -#}
{% macro candidate_of(relation) -%}
    {%- set place = {'database': relation.database, 'schema': 'candidates', 'identifier': relation.identifier} -%}
    {%- do return(api.Relation.create(type='table', **place)) -%}
{%- endmacro %}


{#- The relation of a model by its name, where only a name is known. -#}
{% macro relation_of(name) -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
    {%- do return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) -%}
{%- endmacro %}


{#- Whether this build adds to what earlier ones left: there is a candidate, and no full refresh was asked for. -#}
{% macro is_partial() -%}
    {%- if not execute or should_full_refresh() -%}
        {%- do return(false) -%}
    {%- endif -%}
    {%- set target = candidate_of(this) -%}
    {%- do return(adapter.get_relation(target.database, target.schema, target.identifier) is not none) -%}
{%- endmacro %}


{#- Columns of the rows of a mart that readers have already. A full refresh takes nothing for granted. -#}
{% macro shown(name, columns) -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ name] if execute -%}
    {%- if node -%}
        {%- set shown = relation_of(name) -%}
        {%- set existing = adapter.get_relation(shown.database, shown.schema, shown.identifier) -%}
        {%- set is_empty = should_full_refresh() or existing is none -%}
select
        {%- for column in columns %}
    {{ 'null::' ~ node.columns[column].data_type ~ ' as ' if is_empty }}{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
{{ 'where false' if is_empty else 'from ' ~ shown }}
    {%- endif -%}
{%- endmacro %}
