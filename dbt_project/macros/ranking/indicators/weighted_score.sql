{#-
  The weighted mean of shares, weights from ref_score_weights. A share that a township does not have (nothing due yet) is taken out of
  both sides. In ten-thousandths, so that numerator and denominator are exact.
-#}
{% macro indicator_weighted_score(days, history) -%}
select
    days.district_code,
    days.township_code,
    days.day_on,
    sum(weights.weight * div(10000 * shares.numerator, shares.denominator)) as numerator,
    sum(weights.weight * 10000) as denominator
from {{ days }} as days
cross join lateral (
    values
    ('rectified', days.rectified_count::numeric, days.assigned_count::numeric),
    ('rectified_of_due', days.due_rectified_count::numeric, days.due_count::numeric),
    ('not_overdue', (days.assigned_count - days.overdue_count)::numeric, days.assigned_count::numeric),
    ('not_reopened', (days.assigned_count - days.reopened_count)::numeric, days.assigned_count::numeric)
) as shares (share_code, numerator, denominator)
inner join {{ ref('ref_score_weights') }} as weights on shares.share_code = weights.share_code
where shares.denominator != 0
group by days.district_code, days.township_code, days.day_on
{%- endmacro %}
