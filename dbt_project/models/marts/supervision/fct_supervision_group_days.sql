{{
    config(
        affected={
            'model': 'int_supervision_days__affected',
            'keys': {'district_code': 'district_code', 'day_on': 'day_on'},
        },
    )
}}

with
asked as (
    select
        affected.district_code,
        affected.day_on,
        units.unit_code as group_code
    from {{ ref('int_supervision_days__affected') }} as affected
    inner join {{ ref('stg_units') }} as units on affected.district_code = units.district_code
    where units.unit_kind = 'group'
)

{{ supervision_days('asked', ['district_code', 'group_code', 'day_on'], ref('fct_township_days'), ref('fct_visits')) }}
