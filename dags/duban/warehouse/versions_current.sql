-- The versions that are current, with what their sender wrote. What the office alone may withdraw stays withdrawn until the office itself
-- reports otherwise, whatever a township sends after it.
with current_versions as (
    select distinct on ({key}) * from {table} where {scope}
    order by {key}, report_on desc, received_at desc, version_id desc
),
office_versions as (
    select distinct on ({key}) {key}, {withdrawn} as is_withdrawn from {table} where {scope} and is_office
    order by {key}, report_on desc, received_at desc, version_id desc
)
select version.*, cells as original{referred} from current_versions as version left join office_versions using ({key})
join personal.original_rows original
    on (original.submission_id, sheet, row_no) = (version.submission_id, source_sheet, source_row)
where {answered_by} = %(unit)s and {is_there}
