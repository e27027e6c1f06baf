{#-
  A table for the models after it, read by nobody else. Each build empties and fills it; dbt's own `table` makes another
  one, with its indexes and comments, and renames both. With the config `unique_key` (columns) the rows of earlier
  builds stay, but for those that come again.
-#}
{% materialization work_table, adapter='postgres' %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set key = config.get('unique_key') -%}

    {{ run_hooks(pre_hooks) }}
    {%- if load_cached_relation(this) is not none and not should_full_refresh() -%}
        {%- set renewed = [] -%}
        {%- for name in model.columns if name not in (key or []) -%}
            {%- do renewed.append(name ~ ' = excluded.' ~ name) -%}
        {%- endfor -%}
        {%- set columns = model.columns.keys() | join(', ') -%}
        {%- call statement('main') %}
            {{ 'truncate ' ~ target ~ ';' if not key }}
            insert into {{ target }} ({{ columns }})
            select {{ columns }}
            from (
                {{ sql }}
            ) as rows
            {%- if key %}
            on conflict ({{ key | join(', ') }})
            do {{ 'update set ' ~ renewed | join(', ') if renewed else 'nothing' }}
            {%- endif %}
        {%- endcall %}
    {%- else -%}
        {%- do run_query('drop table if exists ' ~ target) -%}
        {%- call statement('main') %}
            {{ get_create_table_as_sql(False, target, sql) }}
        {%- endcall %}
        {%- do create_indexes(target) -%}
        {%- do persist_docs(target, model) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
