{{
    config(
        affected={
            'model': 'int_supervision_days__affected',
            'keys': {'district_code': 'district_code', 'day_on': 'day_on'},
        },
    )
}}

{{ supervision_days(
    ref('int_supervision_days__affected'),
    ['district_code', 'day_on'],
    ref('fct_township_days'),
    ref('fct_visits')
) }}
