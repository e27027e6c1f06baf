select
    district_code,
    district_name,
    data_label
from {{ ref('stg_districts') }}
