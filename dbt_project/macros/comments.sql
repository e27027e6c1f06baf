{#-
  Comments of a relation that was just made. dbt's own macros look up its columns twice; here they are known, and one
  that is described and is not there fails the build.
-#}
{% macro postgres__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- if for_relation and config.persist_relation_docs() and model.description -%}
        {%- do run_query(alter_relation_comment(relation, model.description)) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() and model.columns -%}
        {%- do run_query(alter_column_comment(relation, model.columns)) -%}
    {%- endif -%}
{%- endmacro %}


{% macro postgres__alter_column_comment(relation, column_dict) -%}
    {%- for name, column in column_dict.items() %}
        {%- set place = relation ~ '.' ~ (adapter.quote(name) if column['quote'] else name) %}
comment on column {{ place }} is {{ postgres_escape_comment(column['description']) }};
    {%- endfor %}
{%- endmacro %}
