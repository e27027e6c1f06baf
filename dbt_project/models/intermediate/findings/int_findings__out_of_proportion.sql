{{ config(materialized='ephemeral') }}

with
projects as (
    select
        projects.*,
        known.first_reported_on
    from {{ ref('fct_projects') }} as projects
    inner join {{ ref('int_projects__known') }} as known
        on projects.district_code = known.district_code and projects.project_no = known.project_no
),

amounts as (
    {{ amounts_of_money(ref('fct_fund_movements'), 'projects') | indent(4) }}
)

{{ out_of_proportion('amounts') }}
