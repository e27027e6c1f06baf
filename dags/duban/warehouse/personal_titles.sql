select submission.district_code, original.cells ->> title as cell, false
from unnest(%(titles)s::text[]) as title cross join personal.original_rows as original
join ops.submissions as submission using (submission_id)
where ledger = %(ledger)s and coalesce(original.cells ->> title, '') <> '' and not exists (select from personal.known_names)
