"""What a row rule of `expectations/<ledger>/rules.yml` may say, checked when the file is read (grammar: expectations/README.md).

A rule that compares unlike things, or with a number that its judge would round, looks sound until the first file comes: then it sends good
rows back, or closes the gate for everybody. It is refused instead, before any file is judged by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

#: What the gate puts beside every row, and of which kind each is.
BESIDE: Mapping[str, str] = {
    "sender_kind": "text",
    "unit_code": "text",
    "township_named": "text",
    "report_on": "date",
    "township_or_office": "text",
}
#: … and where one key means one thing in a whole district.
BESIDE_KEYS: Mapping[str, str] = {"key_is_known": "flag", "owner_township": "text", "owner_kind": "text"}
_KIND_OF_TYPE = dict.fromkeys(["date", "month"], "date") | dict.fromkeys(["money", "number", "percent", "count", "year"], "number")
_WRITTEN = {
    "number": "a number, as 86.8",
    "date": "a date without quotes, as 2014-01-01",
    "text": "text, in quotes if it looks like anything else",
    "flag": "true or false",
}
BETWEEN = "expect_column_values_to_be_between"
_OF_BETWEEN = {"type", "column", "min_value", "max_value", "strict_min", "strict_max"}
#: Beyond it whole numbers have no exact float, which is what Great Expectations may make of them.
_EXACT = 2**53


def kind_of(column_type: str) -> str:
    """Kind of the values of a column type: number, date or text."""
    return _KIND_OF_TYPE.get(column_type, "text")


def faults(expect: Mapping[str, Any], when: Mapping[str, Any], kinds: Mapping[str, str]) -> Iterator[str]:
    """What a rule says that cannot be judged exactly. `kinds`: of every name it may use, columns and `BESIDE`."""
    for name, allowed in when.items():
        if name not in kinds:
            yield f"when names {name}, and no row has it"
        else:
            yield from (f"when {name}: {_not(value, kinds[name])}" for value in allowed if not _is(value, kinds[name]))
    columns = [expect[name] for name in ("column", "column_A", "column_B") if name in expect] + list(expect.get("column_list", ()))
    if unknown := sorted(str(name) for name in columns if name not in kinds):
        yield f"expect names {', '.join(unknown)}, and no row has it"
        return
    found = sorted({kinds[name] for name in columns})
    if len(found) > 1:
        yield f"expect compares {' with '.join(found)}: {', '.join(columns)}"
        return
    yield from (_bounds if expect["type"] == BETWEEN else _others)(expect, found[0] if found else "text")


def _bounds(expect: Mapping[str, Any], kind: str) -> Iterator[str]:
    if unknown := sorted({*expect} - _OF_BETWEEN):
        yield f"{BETWEEN} takes no {', '.join(unknown)} here"
    if kind not in {"number", "date"}:
        yield f"{BETWEEN} compares numbers and dates, and {expect['column']} is {kind}"
        return
    bounds = {name: expect[name] for name in ("min_value", "max_value") if expect.get(name) is not None}
    if not bounds:
        yield f"{BETWEEN} needs min_value or max_value"
    yield from (f"{name}: {_not(value, kind)}" for name, value in bounds.items() if not _is(value, kind))


def _others(expect: Mapping[str, Any], kind: str) -> Iterator[str]:
    about_text = ("_value_lengths_", "_match_")
    if kind == "date" and "value_set" in expect:
        yield f"{expect['type']} cannot compare dates, and {expect.get('column', 'the column')} is date; {BETWEEN} can"
        return
    if kind != "text" and any(word in expect["type"] for word in about_text):
        yield f"{expect['type']} looks at text, and {expect.get('column', 'the column')} is {kind}"
    for name, value in expect.items():
        if name == "value_set":
            yield from (f"value_set: {_not(entry, kind)}" for entry in value if not _is(entry, kind))
        else:
            yield from (
                f"{name}: {entry} cannot be compared exactly here; {BETWEEN} compares dates and decimals"
                for entry in _leaves(value)
                if isinstance(entry, Decimal | float | date) or (isinstance(entry, int) and abs(entry) > _EXACT)
            )


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for entry in value:
            yield from _leaves(entry)
    elif isinstance(value, dict):
        yield from _leaves(list(value.values()))
    else:
        yield value


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "number":
            return type(value) is int or (type(value) is Decimal and value.is_finite())
        case "date":
            return type(value) is date  # a moment is no day
        case "flag":
            return type(value) is bool
        case _:
            return type(value) is str


def _not(value: Any, kind: str) -> str:
    return f"{value} is not {_WRITTEN[kind]}"
