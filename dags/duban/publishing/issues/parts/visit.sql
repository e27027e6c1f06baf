select * from marts.visits_as_of(%(district)s, %(day)s, %(known_at)s) where visited_on > (select compared_on from calendar)
