{#-
  All references of a table in one node, because each test costs more for being one than for what it looks at.
  `references`: a list of {column, to, field}, `to` a model; nulls refer to nothing.
-#}
{% test references_exist(model, references) %}
{%- for reference in references %}
select distinct '{{ reference.column }}' as column_name, {{ reference.column }}::text as missing
from {{ model }} as referring
where
    {{ reference.column }} is not null
    and not exists (
        select 1
        from {{ ref(reference.to) }} as referred
        where referred.{{ reference.field }} = referring.{{ reference.column }}
    )
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{% endtest %}
