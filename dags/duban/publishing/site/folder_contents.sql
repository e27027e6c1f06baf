select publication_id, file_name, content
from published.documents
where publication_id = any(%(publication_ids)s)
