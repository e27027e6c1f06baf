-- A rule code names one order: another order is another rule. Every ordering key is an indicator there is, and a
-- direction.
with
keys as (
    select
        rules.rule_code,
        rules.ordering_keys,
        keys.ordering_key
    from {{ ref('ref_ranking_rules') }} as rules
    cross join lateral unnest(string_to_array(rules.ordering_keys, ', ')) as keys (ordering_key)
)

select
    rule_code,
    'names several orders' as failure,
    string_agg(distinct ordering_keys, ' | ') as found
from keys
group by rule_code
having count(distinct ordering_keys) > 1
union all
select
    rule_code,
    'no indicator and direction' as failure,
    ordering_key as found
from keys
where ordering_key !~ '^({{ indicator_names() | join('|') }}) (asc|desc)$'
