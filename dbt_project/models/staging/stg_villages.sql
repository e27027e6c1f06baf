select
    village_code,
    village_name,
    township_code
from {{ source('raw', 'villages') }}
