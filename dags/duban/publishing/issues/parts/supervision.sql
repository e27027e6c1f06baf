select * from marts.supervision_as_of(%(district)s, %(day)s, %(known_at)s)
