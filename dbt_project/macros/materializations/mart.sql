{#-
  A mart is built, tested, and only then shown. The build writes a candidate, a table of the same name in the schema `candidates`;
  `ref()` leads models and tests to it (macros/ref.sql); at the end of a run in which nothing failed, `publish_marts` brings the tables in
  `marts` to what the candidates hold, in one transaction. Readers never meet half a build, nor one that failed.

  Config `affected` (optional): {model, keys: {column of the mart: column of the model}}. The model names the groups of rows that this
  build makes anew: rows of these groups are deleted from the candidate, what the query returns is added. Without it the query returns
  all rows.
-#}
{% materialization mart, adapter='postgres' %}
    {%- set target = candidate_of(this) -%}
    {%- set affected = config.get('affected') -%}

    {{ run_hooks(pre_hooks) }}
    {%- if is_partial() %}
        {%- if config.get('contract').enforced -%}{{ get_assert_columns_equivalent(sql) }}{%- endif -%}
        {%- set columns = adapter.dispatch('get_column_names', 'dbt')() -%}
        {%- call statement('main') %}
            delete from {{ target }}
            {%- if affected %}
            using {{ relation_of(affected.model) }} as affected
            where {% for key, in_affected in affected['keys'].items() %}{{ target }}.{{ key }} = affected.{{ in_affected }}{{ ' and ' if not loop.last }}{% endfor %}
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


{#- The table that a build writes for a mart. -#}
{% macro candidate_of(relation) -%}
    {%- do return(api.Relation.create(database=relation.database, schema='candidates', identifier=relation.identifier, type='table')) -%}
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
        {%- set is_empty = should_full_refresh() or adapter.get_relation(shown.database, shown.schema, shown.identifier) is none -%}
select
        {%- for column in columns %}
    {{ 'null::' ~ node.columns[column].data_type ~ ' as ' if is_empty }}{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
{{ 'where false' if is_empty else 'from ' ~ shown }}
    {%- endif -%}
{%- endmacro %}
