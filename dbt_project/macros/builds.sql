{#-
  First step of a run that builds: everything that has arrived by now belongs to it, and nothing that arrives while it
  runs.
-#}
{% macro begin_build() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        select ops.begin_build()
    {%- endif -%}
{%- endmacro %}


{#- Last statement of a run that built. Good is a build that showed every mart; the next one takes up from there. -#}
{% macro finish_build(is_good, node_count) -%}
    update ops.builds set finished_at = clock_timestamp(), is_success = {{ is_good }}, node_count = {{ node_count }}
    where build_id = (select max(build_id) from ops.builds)
{%- endmacro %}


{#- Arrivals up to this time belong to the running or last build. A subquery: asked once, not once for each row. -#}
{% macro known_through() -%}
    (select ops.known_through())
{%- endmacro %}


{#- Arrivals up to this time are in the marts already; a full refresh takes nothing for granted. -#}
{% macro built_through() -%}
    {{ "'-infinity'::timestamptz" if should_full_refresh() else '(select ops.built_through())' }}
{%- endmacro %}


{#-
  Versions whose texts the marts have not as they are now: those that arrived since, and those in which a name that came
  later was masked.
-#}
{% macro has_new_texts() -%}
    (received_at > {{ built_through() }} or masked_at > {{ built_through() }})
{%- endmacro %}
