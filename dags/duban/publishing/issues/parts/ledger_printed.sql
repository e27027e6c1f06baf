select
    spec ->> 'title' || coalesce(row.cells ->> (spec ->> 'key'), ''), detail ->> 'title', detail ->> 'type' = 'text',
    row.cells ->> (detail ->> 'column')
from published.ledger_rows as row
join published.publications as issue using (publication_id)
cross join jsonb_array_elements(issue.shown_ledgers) as spec
cross join jsonb_array_elements(spec -> 'details') as detail
where publication_id = %(issue)s and spec ->> 'name' = row.ledger
