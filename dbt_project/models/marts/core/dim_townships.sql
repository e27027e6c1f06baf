with
offices as (
    select
        district_code,
        district_code || '000' as township_code,
        -- 区直部门, 县直部门, 市直部门: named after the kind of district
        case
            when right(district_name, 1) in ('区', '县', '市', '旗') then right(district_name, 1)
            else '区'
        end || '直部门' as township_name
    from {{ ref('stg_districts') }}
),

last_places as (
    select
        district_code,
        max(display_order) as display_order
    from {{ ref('stg_townships') }}
    group by district_code
)

select
    district_code,
    township_code,
    township_name,
    township_kind,
    is_ranked,
    display_order
from {{ ref('stg_townships') }}
union all
select
    offices.district_code,
    offices.township_code,
    offices.township_name,
    '区直部门' as township_kind,
    false as is_ranked,
    coalesce(last_places.display_order, 0) + 1 as display_order
from offices
left join last_places on offices.district_code = last_places.district_code
