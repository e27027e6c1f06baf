{{
    config(
        affected={
            'model': 'int_township_days__affected',
            'keys': {'district_code': 'district_code', 'township_code': 'township_code', 'day_on': 'day_on'},
        },
        indexes=[{'columns': ['district_code', 'day_on']}],
    )
}}

with
affected_days as (
    select days.*
    from {{ ref('fct_township_days') }} as days
    inner join {{ ref('int_township_days__affected') }} as affected
        on days.township_code = affected.township_code and days.day_on = affected.day_on
),

scored_days as (
    {{ with_baseline('affected_days') | indent(4) }}
)

{{ township_scores('scored_days', ref('fct_township_days')) }}
