{{
    config(
        materialized='work_table',
        indexes=[{'columns': ['ledger', 'scope_code', 'key_no'], 'unique': true}]
    )
}}

-- rows about single households stay in their schema, and so do their keys
{%- for ledger, contract in ledgers().items() if contract.source == 'ledgers' %}
    select distinct
        '{{ ledger }}' as ledger,
        versions.{{ contract.scope }} as scope_code,
        versions.{{ contract.number }} as key_no
    from {{ versions_of(ledger) | indent(4) }} as versions
    where {{ has_new_texts() }}
    {{ 'union all' if not loop.last }}
{%- endfor %}
