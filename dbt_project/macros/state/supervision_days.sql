{#-
  What was visited on days of districts, by everybody or by the group of the row. To be visited are the townships that
  were not at zero at the end of the day before; the departments are no township.

  asked: relation with district_code, day_on; or with group_code besides; columns: which of these; days: township-days
  with open_count; visits: as they stand.
-#}
{% macro supervision_days(asked, columns, days, visits) -%}
select
{%- for column in columns %}
    asked.{{ column }},
{%- endfor %}
    townships.due_count,
    townships.visited_count,
    {{ pct('townships.visited_count', 'townships.due_count') }} as coverage_pct,
    visits.visit_count,
    visits.confirmed_count,
    visits.returned_count,
    visits.relapsed_count,
    visits.found_count
from {{ asked }} as asked
cross join lateral (
    select
        count(*)::integer as due_count,
        (count(*) filter (
            where exists (
                select 1
                from {{ visits }} as visits
                where
                    visits.district_code = asked.district_code
                    and visits.visited_on = asked.day_on
                    and visits.township_code = days.township_code
                    {{- ' and visits.group_code = asked.group_code' if 'group_code' in columns }}
            )
        ))::integer as visited_count
    from {{ days }} as days
    where
        days.district_code = asked.district_code
        and days.day_on = asked.day_on - 1
        and days.open_count > 0
        and days.township_code != days.district_code || '000'
) as townships
cross join lateral (
    select
        count(*)::integer as visit_count,
        (count(*) filter (where visits.verdict = '属实'))::integer as confirmed_count,
        (count(*) filter (where visits.verdict = '退回'))::integer as returned_count,
        (count(*) filter (where visits.verdict = '反弹'))::integer as relapsed_count,
        (count(*) filter (where visits.verdict = '新发现'))::integer as found_count
    from {{ visits }} as visits
    where
        visits.district_code = asked.district_code
        and visits.visited_on = asked.day_on
        {{- ' and visits.group_code = asked.group_code' if 'group_code' in columns }}
) as visits
{%- endmacro %}
