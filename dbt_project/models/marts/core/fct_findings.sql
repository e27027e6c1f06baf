{{
    config(
        affected={
            'model': 'int_findings__affected',
            'keys': {'found_in': 'found_in'},
        },
        indexes=[{'columns': ['found_in']}],
    )
}}

{%- set found_in_warehouse = [
    ref('int_findings__stage_order'),
    ref('int_findings__tier_totals'),
    ref('int_findings__due_soon'),
    ref('int_findings__shared_evidence'),
    ref('int_findings__unlisted_problem'),
    ref('int_findings__unknown_project'),
    ref('int_findings__out_of_proportion'),
] %}

with
found as (
    select
        findings.finding_id::text as finding_no,
        findings.submission_id as found_in,
        findings.district_code,
        findings.township_code,
        findings.day_on,
        findings.rule_id,
        findings.subject,
        findings.text,
        findings.submission_id
    from {{ ref('stg_findings') }} as findings
    inner join {{ ref('int_findings__affected') }} as affected on findings.submission_id = affected.found_in
    {%- for findings in found_in_warehouse %}
        union all
        select
            concat_ws(
                '/',
                findings.rule_id,
                findings.district_code,
                findings.township_code,
                findings.subject,
                findings.submission_id,
                md5(findings.text)
            ) as finding_no,
            'warehouse' as found_in,
            findings.*
        from {{ findings }} as findings
    {%- endfor %}
)

select
    finding_no,
    found_in,
    district_code,
    township_code,
    day_on,
    rule_id,
    subject,
    text,
    submission_id
from found
