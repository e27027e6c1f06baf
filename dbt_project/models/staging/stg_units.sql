select
    unit_code,
    district_code,
    unit_kind,
    unit_name
from {{ source('raw', 'units') }}
