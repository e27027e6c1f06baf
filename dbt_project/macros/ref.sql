{#-
  Within a build a mart is its candidate: models and tests see what this build made, readers what the last good one
  published.
-#}
{% macro ref() -%}
    {%- set relation = builtins.ref(*varargs, **kwargs) -%}
    {%- if execute and relation.schema == 'marts' -%}
        {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ varargs[-1]) -%}
        {%- if node and node.config.materialized == 'mart' -%}
            {%- do return(candidate_of(relation)) -%}
        {%- endif -%}
    {%- endif -%}
    {%- do return(relation) -%}
{%- endmacro %}
