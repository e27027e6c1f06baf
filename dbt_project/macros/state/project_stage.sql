{#- By the actual dates only. -#}
{% macro project_stage() -%}
case
    when accepted_on is not null then 'accepted'
    when actual_finish_on is not null then 'finished'
    when actual_start_on is not null then 'started'
    else 'not_started'
end
{%- endmacro %}
