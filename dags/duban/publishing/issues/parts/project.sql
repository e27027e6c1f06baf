select * from marts.projects_as_of(%(district)s, %(day)s, %(known_at)s)
