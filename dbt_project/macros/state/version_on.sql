{#-
  The version of a key that counts on a day: the latest of those reported by then, unless the last word of the office by then is a
  withdrawal, which stands until the office says otherwise. One row or none, for the row `asked` of the query around it, which has the
  columns of the key and `day_on`. Two looks into an index, however long the history.

  versions: relation with report_on, received_at, version_id, is_office; key: its columns; withdrawn: condition on its row;
  condition: what of it is known (ranking_as_of).
-#}
{% macro version_on(versions, key, withdrawn, condition='true') -%}
{%- set same_key -%}
    {%- for name in key %}versions.{{ name }} = asked.{{ name }} and {% endfor -%}
    versions.report_on <= asked.day_on and {{ condition }}
{%- endset -%}
select words.*
from (
    (
        select 1 as precedence, versions.*
        from {{ versions }} as versions
        where {{ same_key }} and versions.is_office
        order by versions.report_on desc, versions.received_at desc, versions.version_id desc
        limit 1
    )
    union all
    (
        select 2 as precedence, versions.*
        from {{ versions }} as versions
        where {{ same_key }}
        order by versions.report_on desc, versions.received_at desc, versions.version_id desc
        limit 1
    )
) as words
where words.precedence = 2 or {{ withdrawn }}
order by words.precedence
limit 1
{%- endmacro %}
