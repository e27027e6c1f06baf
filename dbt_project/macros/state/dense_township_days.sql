{#-
  A row for each of `units` (district_code, township_code, day_on), whether the unit sent anything or not: what is open
  stays open and grows older.

  counts: as township_counts gives them; dates: dim_dates; reports: relation with unit_code, report_on, received_at,
  is_report; known_at: which of them are known.
-#}
{% macro dense_township_days(units, counts, dates, reports, known_at) -%}
select
    units.district_code,
    units.township_code,
    units.day_on,
    coalesce(counts.assigned_count, 0) as assigned_count,
    coalesce(counts.rectified_count, 0) as rectified_count,
    coalesce(counts.open_count, 0) as open_count,
    coalesce(counts.overdue_count, 0) as overdue_count,
    coalesce(counts.reopened_count, 0) as reopened_count,
    coalesce(counts.found_count, 0) as found_count,
    coalesce(counts.closed_count, 0) as closed_count,
    coalesce(counts.due_count, 0) as due_count,
    coalesce(counts.due_rectified_count, 0) as due_rectified_count,
    -- working days after the day of finding, up to and including this day
    coalesce(dates.working_day_number - oldest.working_day_number, 0) as oldest_open_workdays,
    exists (
        select 1
        from {{ reports }} as reports
        where
            reports.is_report
            and reports.unit_code = units.township_code
            and reports.report_on = units.day_on
            and reports.received_at <= {{ known_at }}
    ) as is_reported
from {{ units }} as units
inner join {{ dates }} as dates on units.day_on = dates.date_on
left join {{ counts }} as counts
    on units.township_code = counts.township_code and units.day_on = counts.day_on
left join {{ dates }} as oldest on counts.oldest_open_found_on = oldest.date_on
{%- endmacro %}
