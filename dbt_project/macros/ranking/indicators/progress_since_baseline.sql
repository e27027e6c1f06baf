{#-
  (O_B + N − O_D) / (O_B + N): of what was open at the end of the baseline day B and what was found since, how much is
  no longer open. B: ref_ranking_baselines, the latest by the day, a district's own before the general one; else the
  first day of the campaign.
-#}
{% macro indicator_progress_since_baseline(days, history) -%}
select
    days.district_code,
    days.township_code,
    days.day_on,
    since.open_before + since.found - days.open_count as numerator,
    since.open_before + since.found as denominator
from {{ days }} as days
cross join lateral (
    select
        coalesce(sum(earlier.open_count) filter (where earlier.day_on = days.baseline_on), 0) as open_before,
        coalesce(sum(earlier.found_count) filter (where earlier.day_on > days.baseline_on), 0) as found
    from {{ history }} as earlier
    where
        earlier.township_code = days.township_code
        and earlier.day_on between days.baseline_on and days.day_on
) as since
{%- endmacro %}
