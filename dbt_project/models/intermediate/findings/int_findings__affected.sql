{{
    config(
        materialized='work_table',
        indexes=[{'columns': ['found_in'], 'unique': true}]
    )
}}

-- What is found in the warehouse is found anew by every build; what was found in a file is found once.
select 'warehouse'::text as found_in
union all
select submissions.submission_id as found_in
from {{ ref('stg_submissions') }} as submissions
where submissions.received_at > {{ built_through() }} and submissions.received_at <= {{ known_through() }}
