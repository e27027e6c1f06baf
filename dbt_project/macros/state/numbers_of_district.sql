{#-
  Every number of district $1 in a relation of versions once, by leaps through the index: the body of a recursive CTE of
  the name `leaps`, which ends with a row that is null.
-#}
{% macro numbers_of_district(versions, number, leaps) -%}
(
    select versions.{{ number }}
    from {{ versions }} as versions
    where versions.district_code = $1
    order by versions.{{ number }}
    limit 1
)
union all
select (
    select versions.{{ number }}
    from {{ versions }} as versions
    where versions.district_code = $1 and versions.{{ number }} > {{ leaps }}.{{ number }}
    order by versions.{{ number }}
    limit 1
)
from {{ leaps }}
where {{ leaps }}.{{ number }} is not null
{%- endmacro %}
