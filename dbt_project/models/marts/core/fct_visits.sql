{{
    config(
        ledger='visits',
        renamed={'group_code': 'unit_code'},
        as_of={
            'name': 'visits_as_of',
            'until': 'visited_on',
            'without': ['is_reopening'],
            'order': 'versions.visited_on, versions.unit_code, versions.record_no',
        },
        indexes=[{'columns': ['district_code', 'problem_no']}, {'columns': ['district_code', 'visited_on']}],
    )
}}

select
    district_code,
    unit_code as group_code,
    record_no,
    visited_on,
    township_code,
    problem_no,
    verdict,
    {{ is_reopening('verdict') }} as is_reopening,
    submission_id
from {{ current_versions('visits') }} as versions
