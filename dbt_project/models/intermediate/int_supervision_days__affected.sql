{{
    config(
        materialized='work_table',
        indexes=[{'columns': ['district_code', 'day_on'], 'unique': true}]
    )
}}

-- Days of a campaign whose visits, or whose open problems of the evening before, this build made anew: what changes an
-- evening makes all days after it anew. A new version of a record also takes back the visit that an earlier one told of
-- another day.
with
touched as (
    select
        district_code,
        ranked_on as day_on
    from {{ ref('int_ranking_days__affected') }}
    union
    select
        versions.district_code,
        versions.visited_on as day_on
    from {{ arrived('visits') | indent(4) }} as arrived
    inner join {{ versions_of('visits') | indent(4) }} as versions
        on arrived.unit_code = versions.unit_code and arrived.record_no = versions.record_no
)

select
    touched.district_code,
    touched.day_on
from touched
inner join {{ ref('stg_campaigns') }} as campaigns
    on
        touched.district_code = campaigns.district_code
        and touched.day_on between campaigns.started_on and least(campaigns.ended_on, {{ today() }})
