{{
    config(
        ledger='funds',
        as_of={'name': 'movements_as_of', 'until': 'moved_on'},
        indexes=[{'columns': ['district_code', 'fund_year']}, {'columns': ['district_code', 'project_no']}],
    )
}}

select
    district_code,
    unit_code,
    movement_no,
    fund_year,
    tier,
    fund_name,
    stage,
    amount_yuan,
    moved_on,
    document_no,
    project_no,
    township_code,
    submission_id
from {{ current_versions('funds') }} as versions
