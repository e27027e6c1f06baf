"""The gate: the declared rules of a ledger, judged by Great Expectations on all rows of a batch in one run.

Owns the translation of `expectations/` into a suite, and the proof that the suite was really evaluated: the gate closes
(`GateClosed`, nothing is loaded) when fewer expectations were evaluated than are declared, on fewer rows than are in scope, or
when one of them failed to run.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.expectations.row_conditions import Column as GxColumn

from duban.intake.typed_rows import TypedRow, leader_count
from duban.ledgers import Expectations, Ledger

log = logging.getLogger(__name__)
_RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": ["row_id"],
    "return_unexpected_index_query": False,
    "include_unexpected_rows": False,
}
_FUNDING = ("central_yuan", "provincial_yuan", "municipal_yuan", "district_yuan", "other_yuan")


class GateClosed(RuntimeError):
    """The run of the gate cannot be trusted; nothing of the batch may be loaded. The message says what is missing."""


@dataclass(frozen=True)
class Declared:
    """One expectation that must be evaluated. `scope` is the name of the frame column that says which rows it is judged on."""

    rule_id: str
    column: str | None  # offending column; None: the mark says which
    reason: str
    fix: str
    expect: Mapping[str, Any]
    scope: str | None


@dataclass(frozen=True)
class Evaluated:
    """How one declared expectation came out: rows judged, and the positions (in the batch) of rows that break it."""

    declared: Declared
    rows_evaluated: int
    failed: tuple[int, ...]


@dataclass(frozen=True)
class Background:
    """What rules compare a row with: campaigns of the district, and who owns each key now (problems for a visit)."""

    campaigns: Sequence[tuple[str, date, date]]
    owners: Mapping[str, str]
    office_code: str


def declared_expectations(ledger: Ledger, expectations: Expectations) -> list[Declared]:
    """Every expectation of a ledger's suite: the cell rules on their mark columns, then the ledger's own rules."""
    marks = [
        Declared(rule.id, None, rule.reason, rule.fix, {"type": "expect_column_values_to_be_null", "column": rule.id}, None)
        for rule in expectations.cell_rules.values()
    ]
    own = [
        Declared(rule.id, rule.column, rule.reason, rule.fix, rule.expect, f"scope_{number}") for number, rule in enumerate(ledger.rules)
    ]
    return marks + own


def judge(ledger: Ledger, rows: Sequence[TypedRow], backgrounds: Mapping[str, Background], expectations: Expectations) -> list[Evaluated]:
    """Judge all rows of one ledger in one run. `backgrounds` by district code.

    Raises:
        GateClosed: see the module.
    """
    declared = declared_expectations(ledger, expectations)
    if not rows:
        return []
    frame = build_frame(ledger, rows, backgrounds, expectations)
    try:
        expected = [_expectation(ledger, entry, number) for number, entry in enumerate(declared)]
        batch = (
            _context()
            .data_sources.add_or_update_pandas(ledger.name)
            .add_dataframe_asset("rows")
            .add_batch_definition_whole_dataframe("batch")
            .get_batch({"dataframe": frame})
        )
        results = batch.validate(gx.ExpectationSuite(name=ledger.name, expectations=expected), result_format=_RESULT_FORMAT).results
    except GateClosed:
        raise
    except Exception as error:  # whatever it is: a run of the gate that did not end proves nothing
        raise GateClosed(f"{ledger.name}: Great Expectations failed: {type(error).__name__}") from error
    return _trust(ledger, declared, frame, results)


def build_frame(
    ledger: Ledger, rows: Sequence[TypedRow], backgrounds: Mapping[str, Background], expectations: Expectations
) -> pd.DataFrame:
    """Typed columns, what the rules compare them with, one mark column per cell rule, one scope column per rule; index column row_id."""
    columns: dict[str, Any] = {"row_id": range(len(rows))}
    for column in ledger.columns:
        cells = [row.values[_typed_name(column.name)] for row in rows]
        columns[column.name] = (
            pd.to_datetime(pd.Series(cells, dtype="object")) if column.type == "date" else pd.Series(cells, dtype="object")
        )
    contexts = [_context_of(row, backgrounds[row.sender.district_code]) for row in rows]
    for name in contexts[0]:
        columns[name] = pd.Series([context[name] for context in contexts], dtype="object")
    columns["report_on"] = pd.to_datetime(columns["report_on"])
    columns["leader_count"] = columns["leader_count"].astype("int64")
    for rule_id in expectations.cell_rules:
        marked = [",".join(name for mark, name in row.marks if mark == rule_id) or None for row in rows]
        columns[rule_id] = pd.Series(marked, dtype="object")
    for number, rule in enumerate(ledger.rules):
        columns[f"scope_{number}"] = [_in_scope(rule, row, context) for row, context in zip(rows, contexts, strict=True)]
    return pd.DataFrame(columns)


def _context_of(row: TypedRow, background: Background) -> dict[str, Any]:
    found_on = row.values.get("found_on")
    subject = row.values.get("problem_no") if row.ledger.name == "visits" else row.key
    owner = background.owners.get(subject)
    funding = [row.values.get(name) for name in _FUNDING]
    return {
        "sender_kind": row.sender.kind,
        "unit_code": row.sender.unit_code,
        "township_named": row.values["township"],
        "report_on": row.report_on,
        "campaign": next((name for name, first, last in background.campaigns if found_on and first <= found_on <= last), None),
        "key_is_known": owner is not None,
        "owner_township": owner,
        "owner_kind": None if owner is None else "office" if owner == background.office_code else "township",
        "township_or_office": row.values["township_code"] or background.office_code,
        "leader_count": leader_count(row),
        "funding_total_yuan": sum((amount for amount in funding if amount is not None), Decimal(0)),
    }


def _in_scope(rule: Any, row: TypedRow, context: Mapping[str, Any]) -> bool:
    """A rule is evaluated only where every cell it needs is readable, its condition holds, and the cells it speaks of are filled."""
    unreadable = row.unreadable()
    if unreadable.intersection(rule.needs):
        return False
    facts = {**row.values, **context}
    if any(facts[name] not in allowed for name, allowed in rule.when.items()):
        return False
    if any(row.values[name] is None for name in rule.when_filled):
        return False
    # A comparison needs both sides; whether a cell is filled is asked by the null expectations alone.
    kind = rule.expect["type"]
    if kind in {"expect_column_values_to_not_be_null", "expect_column_values_to_be_null"}:
        return True
    judged = [_typed_name(rule.expect[name]) for name in ("column", "column_A", "column_B") if name in rule.expect]
    return all(row.values[name] is not None for name in judged if name in row.values)


def _typed_name(column: str) -> str:
    """The value a rule means by a column: 乡镇 is judged as the township the row came to belong to, also where the cell is blank."""
    return "township_code" if column == "township" else column


def _expectation(ledger: Ledger, declared: Declared, number: int) -> Any:
    arguments = {name: value for name, value in declared.expect.items() if name != "type"}
    kind = getattr(gx.expectations, "".join(word.title() for word in declared.expect["type"].split("_")), None)
    if kind is None:
        raise GateClosed(f"{ledger.name} {declared.rule_id}: Great Expectations has no {declared.expect['type']}; see the rules.yml")
    condition = {"row_condition": GxColumn(declared.scope) == True} if declared.scope else {}  # noqa: E712 — a condition object, not a test
    try:
        return kind(**arguments, **condition, meta={"number": number})
    except (TypeError, ValueError) as error:
        raise GateClosed(f"{ledger.name} {declared.rule_id}: {declared.expect['type']} does not take these arguments: {error}") from error


@lru_cache(maxsize=1)
def _context() -> Any:
    """Great Expectations' context of this process: it keeps nothing but the names of its data sources."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def _trust(ledger: Ledger, declared: Sequence[Declared], frame: pd.DataFrame, results: Sequence[Any]) -> list[Evaluated]:
    """Turn results into verdicts, or close the gate: a rule that was not evaluated looks exactly like a rule that nobody broke."""
    evaluated: dict[int, Evaluated] = {}
    for result in results:
        number = result.expectation_config.meta["number"]
        entry, outcome = declared[number], result.result
        broken = [info for info in _exceptions(result.exception_info) if info.get("raised_exception")]
        if broken:
            raise GateClosed(f"{ledger.name} {entry.rule_id}: the expectation could not be evaluated: {broken[0].get('exception_message')}")
        in_scope = int(frame[entry.scope].sum()) if entry.scope else len(frame)
        if outcome.get("element_count") != in_scope:
            raise GateClosed(f"{ledger.name} {entry.rule_id}: {outcome.get('element_count')} rows evaluated, {in_scope} are in scope")
        failed = tuple(sorted(entry["row_id"] for entry in outcome.get("unexpected_index_list") or ()))
        if len(failed) != outcome["unexpected_count"] or result.success != (not failed):
            raise GateClosed(f"{ledger.name} {entry.rule_id}: {outcome['unexpected_count']} rows fail, {len(failed)} are named")
        evaluated[number] = Evaluated(entry, in_scope, failed)
    if len(evaluated) != len(declared):
        missing = sorted({entry.rule_id for number, entry in enumerate(declared) if number not in evaluated})
        raise GateClosed(f"{ledger.name}: {len(evaluated)} of {len(declared)} expectations were evaluated; missing: {', '.join(missing)}")
    return [evaluated[number] for number in sorted(evaluated)]


def _exceptions(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [info] if "raised_exception" in info else list(info.values())
