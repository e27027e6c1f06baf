{{ config(tags=['reference']) }}

select
    village_code,
    village_name,
    township_code
from {{ ref('stg_villages') }}
