{#-
  The functions of the marts that readers may call. What they say changes with the project only, and then every table is
  made anew: a build that is no full refresh leaves them as they are.
-#}
{% macro keep_functions() -%}
{%- if not execute or functions_are_wanted() %}
{{ ranking_as_of() }}
{{ problems_as_of() }}
{{ withdrawals_as_of() }}
{{ supervision_as_of() }}
{{ projects_as_of() }}
{{ ledgers_as_of() }}
{{ fund_findings_as_of() }}
{{ simulated_ranking() }}
{%- endif -%}
{%- endmacro %}


{#- Whether a build makes them: all marts are there, and it is a full refresh or the first that came so far. -#}
{% macro functions_are_wanted() -%}
    {%- if flags.WHICH not in ('build', 'run') or load_relation(relation_of('rpt_township_ranking')) is none -%}
        {%- do return(false) -%}
    {%- endif -%}
    {%- set found = run_query("select exists (select from pg_proc where pronamespace = 'marts'::regnamespace)") -%}
    {%- do return(should_full_refresh() or not found.rows[0][0]) -%}
{%- endmacro %}


{#-
  A function of the marts that readers may call, and that reads for them what they may not: the only one of its name,
  made again when its text, its arguments, its columns or its description have changed.

  arguments: names and types as one text; columns: of its rows, objects with name and data_type; text: its query.
-#}
{% macro keep_function(name, arguments, columns, text, description) -%}
{#- a function keeps its text, and works in a copy of the database under another name only without this one's -#}
{%- set body = text | replace('"' ~ target.database ~ '".', '') -%}
{%- if execute -%}
    {%- set named = [] -%}
    {%- for argument in arguments.split(', ') -%}
        {%- do named.append({'name': argument.split(' ')[0], 'data_type': argument.split(' ')[1]}) -%}
    {%- endfor -%}
    {%- set is_kept = run_query(
        "select count(*) = 1 and bool_and(prosrc = $kept$" ~ body ~ "$kept$"
        ~ " and obj_description(oid, 'pg_proc') = '" ~ description
        ~ "' and pg_get_function_arguments(oid) = " ~ signature_of(named)
        ~ " and pg_get_function_result(oid) = 'TABLE(' || " ~ signature_of(columns) ~ " || ')')"
        ~ " from pg_proc where pronamespace = 'marts'::regnamespace and proname = '" ~ name ~ "'"
    ) -%}
    {%- if not is_kept.rows[0][0] %}
do $drop$
declare
    overload regprocedure;
begin
    for overload in select oid from pg_proc where pronamespace = 'marts'::regnamespace and proname = '{{ name }}' loop
        execute 'drop function ' || overload;
    end loop;
end
$drop$;
create function marts.{{ name }}({{ arguments }})
returns table (
    {%- for column in columns %}
    {{ column.name }} {{ column.data_type }}{{ ',' if not loop.last }}
    {%- endfor %}
)
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $kept${{ body }}$kept$;
comment on function marts.{{ name }} is '{{ description }}';
revoke all on function marts.{{ name }} from public;
grant execute on function marts.{{ name }} to bi_reader;
    {%- endif -%}
{%- endif -%}
{%- endmacro %}


{#- Names and types as PostgreSQL writes them in a signature, as an expression. -#}
{% macro signature_of(columns) -%}
    {%- for column in columns -%}
        quote_ident('{{ column.name }}') || ' ' || '{{ column.data_type }}'::regtype
        {{- " || ', ' || " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{#- The columns of a mart, for a function whose rows have them. -#}
{% macro columns_of(name) -%}
    {%- do return((graph.nodes['model.' ~ project_name ~ '.' ~ name].columns if execute else {}).values() | list) -%}
{%- endmacro %}
