{#-
  marts.fund_findings_as_of(district_code, day, known_at): findings W03, W04 and W30 of a district on a day as it was
  known at a time.
-#}
{% macro fund_findings_as_of() -%}
{%- set body %}
with
movements as (
    select *
    from marts.movements_as_of($1, $2, $3)
),

tiers as (
    select
        movements.district_code,
        movements.fund_year,
        movements.tier,
        $2 as day_on,
        {{ tier_sums('movements') | indent(4) }}
    from movements
    group by movements.district_code, movements.fund_year, movements.tier
),

projects as (
    select *
    from marts.projects_as_of($1, $2, $3)
),

amounts as (
    {{ amounts_of_money('movements', 'projects') | indent(4) }}
)

{{ stage_order('tiers') }}
union all
{{ tier_totals('tiers', 'projects') }}
union all
select
    out_of_proportion.district_code,
    out_of_proportion.day_on,
    out_of_proportion.rule_id,
    out_of_proportion.subject,
    out_of_proportion.text
from (
    {{ out_of_proportion('amounts') | indent(4) }}
) as out_of_proportion
order by rule_id, subject
{%- endset -%}
{{ keep_function(
    'fund_findings_as_of',
    'district_code text, day date, known_at timestamptz',
    [
        {'name': 'district_code', 'data_type': 'text'},
        {'name': 'day_on', 'data_type': 'date'},
        {'name': 'rule_id', 'data_type': 'text'},
        {'name': 'subject', 'data_type': 'text'},
        {'name': 'text', 'data_type': 'text'},
    ],
    body,
    'Findings W03, W04 and W30 of a district on a day as it was known at a time'
) }}
{%- endmacro %}
