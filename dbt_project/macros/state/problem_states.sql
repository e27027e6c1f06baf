{#-
  docs/rules.md, ranking rule: what each problem is on a day. One row for each row of `asked` on which the problem is
  assigned (found in the campaign by then, and not void); a problem outside has no state.

  asked: relation with district_code, problem_no, day_on, and started_on, ended_on of the campaign that the day belongs
  to; visits: relation of the visits as they stand, with district_code, problem_no, visited_on, is_reopening; known:
  which versions are known, as in versions_of.

  After such a visit only a report of a later date, with a completion not before the visit, closes the problem again.
-#}
{% macro problem_states(asked, visits, known=none) -%}
select
    asked.district_code,
    asked.problem_no,
    asked.day_on,
    asked.started_on,
    version.version_id,
    version.township_code,
    version.found_on,
    version.due_on,
    reopened.last_on is not null as is_reopened,
    version.status = 'rectified' and (
        reopened.last_on is null
        or (version.report_on > reopened.last_on and coalesce(version.rectified_on >= reopened.last_on, false))
    ) as is_rectified
from {{ asked }} as asked
cross join lateral (
    {{ version_on('problems', known) | indent(4) }}
) as version
cross join lateral (
    select max(visits.visited_on) as last_on
    from {{ visits }} as visits
    where
        visits.is_reopening
        and visits.district_code = asked.district_code
        and visits.problem_no = asked.problem_no
        and visits.visited_on <= asked.day_on
) as reopened
where
    version.status != 'void'
    and version.found_on between asked.started_on and least(asked.day_on, asked.ended_on)
{%- endmacro %}
