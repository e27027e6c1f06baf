select ranking.*, earlier.previous_on, previous.rank as previous_rank, evening.open_count as open_before_count
from marts.ranking_as_of(%(district)s, %(day)s, %(known_at)s) as ranking
cross join earlier
left join marts.ranking_as_of(%(district)s, (select previous_on from earlier), %(known_at)s) as previous using (township_code)
left join marts.ranking_as_of(%(district)s, (select compared_on from earlier), %(known_at)s) as evening using (township_code)
