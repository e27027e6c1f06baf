select
    district_code,
    campaign_name,
    started_on,
    ended_on
from {{ source('raw', 'campaigns') }}
