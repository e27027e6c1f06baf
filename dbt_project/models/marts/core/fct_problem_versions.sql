{{
    config(
        ledger='problems',
        indexes=[{'columns': ['district_code', 'problem_no', 'report_on', 'received_at']}],
    )
}}

select
    versions.version_id,
    versions.district_code,
    versions.township_code,
    versions.village_code,
    versions.problem_no,
    versions.household_key,
    versions.source,
    versions.feedback_batch,
    versions.category,
    versions.description,
    versions.department,
    versions.measures,
    versions.leader_name,
    versions.found_on,
    versions.due_on,
    versions.status,
    versions.rectified_on,
    versions.evidence,
    versions.void_reason,
    versions.is_office,
    versions.report_on,
    versions.received_at,
    versions.submission_id,
    versions.source_file,
    versions.source_sheet,
    versions.source_row
from {{ arrived('problems') }} as arrived
inner join {{ versions_of('problems') }} as versions
    on arrived.district_code = versions.district_code and arrived.problem_no = versions.problem_no
