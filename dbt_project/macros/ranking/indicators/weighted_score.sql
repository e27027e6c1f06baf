{#-
  The weighted mean of shares, weights from ref_score_weights. A share that a township does not have (nothing due yet)
  is taken out of both sides. All shares are brought to the denominator assigned · due, so that equal means are equal
  scores.
-#}
{% macro indicator_weighted_score(days, history) -%}
select
    days.district_code,
    days.township_code,
    days.day_on,
    sum(weights.weight * shares.numerator * div(shares.common, shares.denominator)) as numerator,
    sum(weights.weight * shares.common) as denominator
from {{ days }} as days
cross join lateral (
    select
        parts.*,
        days.assigned_count::numeric * greatest(days.due_count, 1) as common
    from (
        values
        ('rectified', days.rectified_count::numeric, days.assigned_count::numeric),
        ('rectified_of_due', days.due_rectified_count::numeric, days.due_count::numeric),
        ('not_overdue', (days.assigned_count - days.overdue_count)::numeric, days.assigned_count::numeric),
        ('not_reopened', (days.assigned_count - days.reopened_count)::numeric, days.assigned_count::numeric)
    ) as parts (share_code, numerator, denominator)
) as shares
inner join {{ ref('ref_score_weights') }} as weights on shares.share_code = weights.share_code
where shares.denominator != 0
group by days.district_code, days.township_code, days.day_on
{%- endmacro %}
