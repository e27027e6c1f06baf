select document.publication_id, document.file_name, octet_length(document.content) as size
from published.documents as document
inner join published.publications as issue on issue.publication_id = document.publication_id
where issue.district_code = %(district_code)s
order by document.file_name
