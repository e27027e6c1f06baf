{#-
  A function of the marts that readers may call, and that reads for them what they may not: made again when its text has changed, once the
  marts that it asks are there.

  arguments: names and types as one text; columns: of its rows, objects with name and data_type; text: its query.
-#}
{% macro keep_function(name, arguments, columns, text, description) -%}
{#- a function keeps its text, and works in a copy of the database under another name only without this one's -#}
{%- set body = text | replace('"' ~ target.database ~ '".', '') -%}
{%- if execute and flags.WHICH in ('build', 'run') and load_relation(relation_of('rpt_township_ranking')) is not none -%}
    {%- set types = [] -%}
    {%- for argument in arguments.split(', ') -%}
        {%- do types.append(argument.split(' ')[1]) -%}
    {%- endfor -%}
    {%- set signature = 'marts.' ~ name ~ '(' ~ types | join(', ') ~ ')' -%}
    {%- set kept = run_query("select prosrc from pg_proc where oid = to_regprocedure('" ~ signature ~ "')") -%}
    {%- if not kept.rows or kept.rows[0][0] != body | string -%}
drop function if exists {{ signature }};
create function marts.{{ name }}({{ arguments }})
returns table (
    {%- for column in columns %}
    {{ column.name }} {{ column.data_type }}{{ ',' if not loop.last }}
    {%- endfor %}
)
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $kept${{ body }}$kept$;
comment on function {{ signature }} is '{{ description }}';
revoke all on function {{ signature }} from public;
grant execute on function {{ signature }} to bi_reader;
    {%- endif -%}
{%- endif -%}
{%- endmacro %}


{#- The columns of a mart, for a function whose rows have them. -#}
{% macro columns_of(name) -%}
    {%- do return((graph.nodes['model.' ~ project_name ~ '.' ~ name].columns if execute else {}).values() | list) -%}
{%- endmacro %}
