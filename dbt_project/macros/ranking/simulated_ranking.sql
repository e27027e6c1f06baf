{#-
  marts.simulated_ranking(district_code, rule_code, from_on, to_on): how a rule of ref_ranking_rules would have ranked
  days gone by.
-#}
{% macro simulated_ranking() -%}
{%- set body %}
with
rule as (
    select distinct on (rules.rule_code)
        rules.rule_code,
        rules.ordering_keys
    from {{ ref('ref_ranking_rules') }} as rules
    where rules.rule_code = $2 and rules.district_code in ($1, '*')
    order by rules.rule_code, rules.district_code = '*'
),

days as (
    select
        days.*,
        townships.township_name,
        townships.is_ranked,
        townships.display_order,
        rule.rule_code,
        rule.ordering_keys
    from {{ builtins.ref('fct_township_days') }} as days
    cross join rule
    inner join {{ builtins.ref('dim_townships') }} as townships on days.township_code = townships.township_code
    where days.district_code = $1 and days.day_on between $3 and $4
),

scores as (
    select scores.*
    from {{ builtins.ref('fct_township_scores') }} as scores
    where scores.district_code = $1 and scores.day_on between $3 and $4
),

ranked as (
    {{ ranked('days', 'scores') | indent(4) }}
)

{{ ranking_rows('ranked') }}
order by ranked_on, rank, display_order
{%- endset -%}
{{ keep_function(
    'simulated_ranking',
    'district_code text, rule_code text, from_on date, to_on date',
    columns_of('rpt_township_ranking'),
    body,
    'How a rule of ref_ranking_rules would have ranked a district, as known now; columns as rpt_township_ranking'
) }}
{%- endmacro %}
