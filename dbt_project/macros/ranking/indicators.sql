{#-
  What townships can be compared by. A new indicator is a macro indicator_<name> in macros/ranking/indicators/ and its
  name here.
-#}
{% macro indicator_names() -%}
    {%- do return([
        'progress',
        'open_count',
        'overdue_count',
        'reopened_count',
        'oldest_open_workdays',
        'progress_since_baseline',
        'progress_on_due',
        'weighted_score',
    ]) -%}
{%- endmacro %}


{#-
  All indicators of township-days in long form: numerator and denominator, and the order key: their quotient times 10^18
  as a whole number. Different fractions of counts differ by at least 1/(d1·d2), times 10^18 at least 1 for every d up
  to 10^9: they get different keys in the right order, equal ones the same, and no float is in it. A denominator of 0:
  no row, the township has no such score.

  days: relation of the township-days to score, with baseline_on; history: relation of township-days back to the
  earliest baseline.
-#}
{% macro township_scores(days, history) -%}
select
    scores.district_code,
    scores.township_code,
    scores.day_on,
    scores.indicator_code,
    scores.numerator::numeric(18, 2) as numerator,
    scores.denominator::numeric(18, 2) as denominator,
    div(scores.numerator::numeric * 1000000000000000000, scores.denominator::numeric)::numeric(38, 0) as order_key
from (
{%- for name in indicator_names() %}
    select
        indicator.district_code,
        indicator.township_code,
        indicator.day_on,
        '{{ name }}'::text as indicator_code,
        indicator.numerator::numeric as numerator,
        indicator.denominator::numeric as denominator
    from ({{ context['indicator_' ~ name](days, history) | indent(4) }}) as indicator
    {{ 'union all' if not loop.last }}
{%- endfor %}
) as scores
where scores.denominator != 0
{%- endmacro %}
