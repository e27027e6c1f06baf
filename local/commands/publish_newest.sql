select distinct on (district_code) publication_id, content
from published.publications
join published.documents using (publication_id)
where
    file_name = 'manifest.json'
    and series = %(series)s
    and business_on = {today}
    and {of_district}
order by district_code, issue_no desc
