select
    township_code,
    district_code,
    township_name,
    township_kind,
    is_ranked,
    display_order
from {{ source('raw', 'townships') }}
