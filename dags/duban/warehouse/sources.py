"""The ledgers as dbt knows them, written from `expectations/` by nobody's hand: its sources, and what differs between them.

What every ledger does is said once, in `dbt_project/macros/ledgers.sql`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from duban.ledgers import Ledger
from duban.warehouse.tables import stored_columns

_SOURCES = {"raw": "ledgers", "household": "households"}
_WRITTEN = "Written from expectations/ by `make up` (warehouse/sources.py); a test holds it."


def write_sources(dbt_project: Path, ledgers: Iterable[Ledger]) -> list[Path]:
    """Write what dbt must know of the ledgers, where it is not there already; returns the files written."""
    written = []
    for name, text in source_files(ledgers).items():
        path = dbt_project / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def source_files(ledgers: Iterable[Ledger]) -> dict[str, str]:
    """The files by their place in the dbt project."""
    ledgers = sorted(ledgers, key=lambda ledger: ledger.name)
    return {"models/staging/_ledgers.yml": _sources(ledgers), "macros/_ledgers.sql": _contracts(ledgers)}


def _contracts(ledgers: list[Ledger]) -> str:
    contracts = json.dumps({ledger.name: _contract(ledger) for ledger in ledgers}, ensure_ascii=False, indent=4)
    return f"{{#- {_WRITTEN} -#}}\n{{% macro ledgers() -%}}\n{{%- do return({contracts}) -%}}\n{{%- endmacro %}}\n"


def _contract(ledger: Ledger) -> dict[str, Any]:
    """What the macros ask of a ledger."""
    return {
        "source": _SOURCES[ledger.grain],
        "scope": "unit_code" if ledger.key_scope == "unit" else "district_code",
        "number": ledger.key_column,
        "withdrawn": _withdrawn(ledger),
        "withdrawals_stand": ledger.withdraw_by == "office",
    }


def _sources(ledgers: list[Ledger]) -> str:
    described = {
        "raw": "Every version of every row of a ledger as sent, append-only, with lineage to file, sheet and row.",
        "household": "The same of ledgers whose rows are about single households.",
    }
    sources = []
    for grain, description in described.items():
        if tables := [ledger for ledger in ledgers if ledger.grain == grain]:
            schema = tables[0].target.split(".")[0]
            sources.append({"name": _SOURCES[grain], "schema": schema, "description": description, "tables": [*map(_table, tables)]})
    spec = {"version": 2, "sources": sources}
    return f"# {_WRITTEN}\n" + yaml.safe_dump(spec, allow_unicode=True, sort_keys=False, width=110)


def _table(ledger: Ledger) -> dict[str, Any]:
    fresh = {"warn_after": {"count": ledger.stale_after_days, "period": "day"}}
    return {
        "name": ledger.name,
        "identifier": ledger.table,
        "description": f"Rows of {ledger.title} as sent. Grain: one row of the ledger in one report of one submission.",
        **({"config": {"loaded_at_field": "received_at", "freshness": fresh}} if ledger.stale_after_days else {}),
        "columns": [{"name": column.name, "description": column.comment} for column in stored_columns(ledger)],
    }


def _withdrawn(ledger: Ledger) -> str:
    """Whether a version withdraws its row, as an SQL condition on its columns."""
    if not ledger.withdraw:
        return "false"
    values = ", ".join("'{}'".format(value.replace("'", "''")) for value in ledger.withdrawing_values)
    condition = f"{ledger.withdraw} in ({values})" if values else f"{ledger.withdraw} is not null"
    # a township's word is kept and has no effect
    return f"is_office and {condition}" if ledger.withdraw_by == "office" else condition
