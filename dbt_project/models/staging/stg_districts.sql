select
    district_code,
    district_name,
    data_label
from {{ source('raw', 'districts') }}
