{#-
  A function of the marts that readers may call, and that reads for them what they may not: made again when its text has changed. Its rows
  have the columns of a mart.
-#}
{% macro keep_function(name, arguments, rows_of, body, description) -%}
{%- if execute and flags.WHICH in ('build', 'run') and load_relation(relation_of(rows_of)) is not none -%}
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
    {%- for column in graph.nodes['model.' ~ project_name ~ '.' ~ rows_of].columns.values() %}
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
