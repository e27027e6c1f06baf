{#- Written from expectations/ by `make up` (warehouse/sources.py); a test holds it. -#}
{% macro ledgers() -%}
{%- do return({
    "funds": {
        "source": "ledgers",
        "scope": "unit_code",
        "number": "movement_no",
        "withdrawn": "void_reason is not null",
        "withdrawals_stand": false
    },
    "problems": {
        "source": "ledgers",
        "scope": "district_code",
        "number": "problem_no",
        "withdrawn": "is_office and status in ('void')",
        "withdrawals_stand": true
    },
    "projects": {
        "source": "ledgers",
        "scope": "district_code",
        "number": "project_no",
        "withdrawn": "is_office and void_reason is not null",
        "withdrawals_stand": true
    },
    "visits": {
        "source": "ledgers",
        "scope": "unit_code",
        "number": "record_no",
        "withdrawn": "void_reason is not null",
        "withdrawals_stand": false
    }
}) -%}
{%- endmacro %}
