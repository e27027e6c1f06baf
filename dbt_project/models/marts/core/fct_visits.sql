{{
    config(
        affected={
            'model': 'int_visits__arrived',
            'keys': {'group_code': 'group_code', 'record_no': 'record_no'},
        },
        indexes=[{'columns': ['district_code', 'problem_no']}, {'columns': ['district_code', 'visited_on']}],
    )
}}

-- The current version of a record is taken before withdrawn records are left out: a later version may withdraw an earlier one.
with
current_versions as (
    select distinct on (versions.group_code, versions.record_no) versions.*
    from {{ ref('int_visits__arrived') }} as arrived
    inner join {{ ref('stg_visit_versions') }} as versions
        on arrived.group_code = versions.group_code and arrived.record_no = versions.record_no
    order by versions.group_code asc, versions.record_no asc, versions.report_on desc, versions.received_at desc, versions.version_id desc
)

select
    district_code,
    group_code,
    record_no,
    visited_on,
    township_code,
    problem_no,
    verdict,
    is_reopening,
    submission_id
from current_versions
where not is_withdrawn
