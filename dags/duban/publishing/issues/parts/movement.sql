select * from marts.movements_as_of(%(district)s, %(day)s, %(known_at)s)
