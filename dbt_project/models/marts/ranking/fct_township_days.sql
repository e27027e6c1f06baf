{{
    config(
        affected={
            'model': 'int_township_days__affected',
            'keys': {'district_code': 'district_code', 'township_code': 'township_code', 'day_on': 'day_on'},
        },
    )
}}

with
counts as (
    {{ township_counts(ref('int_problem_days__stated')) | indent(4) }}
)

{{ dense_township_days(
    ref('int_township_days__affected'),
    'counts',
    ref('dim_dates'),
    ref('stg_submissions'),
    known_through()
) }}
