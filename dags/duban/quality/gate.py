"""The gate: the declared rules of a ledger, judged by Great Expectations on all rows of a batch.

Owns the translation of `expectations/` into suites, and the proof that they were really evaluated: the gate closes (`GateClosed`,
nothing is loaded) when fewer expectations were evaluated than are declared, on other rows than are in scope, or when one of them
failed to run.

Rules that are judged on the same rows go into one suite, over a frame of these rows and of the columns that the rules name: letting
Great Expectations pick the rows of each rule by a condition costs more than judging them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from duban.intake import values
from duban.intake.typed_rows import TypedRow
from duban.ledgers import Derivation, Expectations, Ledger, Rule, Words
from duban.quality.great import gx
from duban.row_rules import BETWEEN

_RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": ["row_id"],
    "return_unexpected_index_query": False,
    "include_unexpected_rows": False,
}
_TEXTS_REMEMBERED = 4096
_NAMES_COLUMNS = ("column", "column_A", "column_B", "column_list")


class GateClosed(RuntimeError):
    """The run of the gate cannot be trusted; nothing of the batch may be loaded. The message says what is missing."""


@dataclass(frozen=True)
class Declared:
    """One expectation that must be evaluated. `scope` is the rule that says on which rows; None: on every row."""

    rule_id: str
    column: str | None  # offending column; None: the mark says which
    reason: str
    fix: str
    expect: Mapping[str, Any]
    scope: Rule | None
    constants: Mapping[str, Any] = field(default_factory=dict)  # columns that hold one value: the bound that a rule compares with

    @property
    def named_columns(self) -> set[str]:
        """The columns of the frame that the expectation looks at."""
        named = [self.expect[argument] for argument in _NAMES_COLUMNS if argument in self.expect]
        return {name for entry in named for name in ([entry] if isinstance(entry, str) else entry)}


@dataclass(frozen=True)
class Evaluated:
    """How one declared expectation came out: rows judged, and the positions (in the batch) of rows that break it."""

    declared: Declared
    rows_evaluated: int
    failed: tuple[int, ...]


@dataclass(frozen=True)
class Background:
    """What rules compare a row with: campaigns of the district, and who owns each key now."""

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
        Declared(rule.id, rule.column, rule.reason, rule.fix, expect, rule, constants)
        for rule in ledger.rules
        for expect, constants in _exact(rule.expect)
    ]
    return marks + own


def _exact(expect: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """An expectation as it is judged. Great Expectations makes a float of a bound, and cannot compare one with dates: each bound becomes a
    column of its own, compared as Decimals and dates are.
    """
    if expect["type"] != BETWEEN:
        yield expect, {}
        return
    for bound, other, strict in (("min_value", "column_B", "strict_min"), ("max_value", "column_A", "strict_max")):
        if (value := expect.get(bound)) is not None:
            column = "column_A" if other == "column_B" else "column_B"
            sides = {column: expect["column"], other: f"={value}"}
            greater = {"type": "expect_column_pair_values_a_to_be_greater_than_b", **sides, "or_equal": not expect.get(strict, False)}
            yield greater, {f"={value}": value}


def judge(ledger: Ledger, rows: Sequence[TypedRow], backgrounds: Mapping[str, Background], expectations: Expectations) -> list[Evaluated]:
    """Judge all rows of one ledger. `backgrounds` by district code.

    Raises:
        GateClosed: see the module.
    """
    declared = declared_expectations(ledger, expectations)
    if not rows:
        return []
    constants = {name: value for entry in declared for name, value in entry.constants.items()}
    batch = RowBatch(rows, backgrounds, expectations, constants)
    scopes = [batch.scope(entry.scope) for entry in declared]
    results = []
    for numbers in _with_equal_scope(scopes):
        names = set().union(*(declared[number].named_columns for number in numbers))
        frame = build_frame(batch, names, scopes[numbers[0]])
        results += _evaluate(ledger, [_expectation(ledger, declared[number], number) for number in numbers], frame)
    return _trust(ledger, declared, scopes, results)


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _owner_kind(row: TypedRow, background: Background) -> str | None:
    owner = background.owners.get(row.key)
    return None if owner is None else "office" if owner == background.office_code else "township"


#: What stands beside every row for the rules to use (expectations/README.md).
_BESIDE: Mapping[str, Callable[[TypedRow, Background], Any]] = {
    "sender_kind": lambda row, _: row.sender.kind,
    "unit_code": lambda row, _: row.sender.unit_code,
    "township_named": lambda row, _: row.values.get("township"),
    "report_on": lambda row, _: row.report_on,
    "key_is_known": lambda row, background: row.key in background.owners,
    "owner_township": lambda row, background: background.owners.get(row.key),
    "owner_kind": _owner_kind,
    "township_or_office": lambda row, background: row.values["township_code"] or background.office_code,
}


def _derived(derivation: Derivation, words: Words) -> Callable[[TypedRow, Background], Any]:
    """How what a ledger derives is made of a row: the campaign that holds a day, how many persons a cell names, the sum of amounts."""
    of = derivation.of
    match derivation.kind:
        case "campaign":
            return lambda row, background: next(
                (name for name, first, last in background.campaigns if row.values[of] and first <= row.values[of] <= last), None
            )
        case "persons":
            count = lru_cache(maxsize=_TEXTS_REMEMBERED)(lambda text: values.people(text, words))
            return lambda row, _: count(row.values[of]) if row.values[of] else 0
        case _:
            return lambda row, _: sum((row.values[name] or Decimal(0) for name in of), Decimal(0))


def _referring(column: str) -> dict[str, Callable[[TypedRow, Background], Any]]:
    """What a column that refers to another ledger puts beside its row."""
    return {
        f"{column}_is_known": lambda row, _: row.referred.get(column) is not None,
        f"{column}_township": lambda row, _: found.township_code if (found := row.referred.get(column)) else None,
    }


def _all_beside(ledger: Ledger, words: Words) -> dict[str, Callable[[TypedRow, Background], Any]]:
    """What stands beside the rows of a ledger: what every row has, what it refers to, and what the ledger derives."""
    beside = dict(_BESIDE)
    for reference in ledger.references:
        beside |= _referring(reference.column)
    return beside | {name: _derived(derivation, words) for name, derivation in ledger.derived.items()}


class RowBatch:
    """The rows of one ledger, column by column: each is made when the first rule asks for it."""

    def __init__(
        self,
        rows: Sequence[TypedRow],
        backgrounds: Mapping[str, Background],
        expectations: Expectations,
        constants: Mapping[str, Any],
    ):
        self._rows, self._backgrounds, self._marks = rows, backgrounds, expectations.cell_rules
        self._constants = constants
        self._ledger = rows[0].ledger
        self._beside = _all_beside(self._ledger, expectations.words)
        self._unreadable = [(position, row.unreadable()) for position, row in enumerate(rows) if row.marks]
        self._facts: dict[str, list[Any]] = {}
        self._filled: dict[str, np.ndarray] = {}

    def scope(self, rule: Rule | None) -> np.ndarray:
        """Which rows a rule is judged on: every cell it needs is readable, its condition holds, and the cells it speaks of are filled."""
        scope = np.ones(len(self._rows), dtype=bool)
        if rule is None:
            return scope
        scope[[position for position, columns in self._unreadable if not columns.isdisjoint(rule.needs)]] = False
        for name, allowed in rule.when.items():
            scope &= np.fromiter((value in allowed for value in self._values(name)), dtype=bool, count=len(scope))
        filled = set(rule.when_filled)
        # A comparison needs both sides; whether a cell is filled is asked by the null expectations alone.
        if rule.expect["type"] not in {"expect_column_values_to_not_be_null", "expect_column_values_to_be_null"}:
            sides = {_typed_name(rule.expect[side]) for side in ("column", "column_A", "column_B") if side in rule.expect}
            filled |= sides - set(self._beside)
        for name in filled:
            scope &= self._is_filled(name)
        return scope

    def series(self, name: str) -> pd.Series | None:
        """A column of the frame; None when no row has it."""
        if name in self._constants:
            value = self._constants[name]
            bound = pd.Series([value] * len(self._rows), dtype="object")
            return pd.to_datetime(bound) if isinstance(value, date) else bound
        if name in self._marks:
            marked: list[str | None] = [None] * len(self._rows)
            for position, _ in self._unreadable:
                marked[position] = ",".join(column for mark, column in self._rows[position].marks if mark == name) or None
            return pd.Series(marked, dtype="object")
        if name not in self._beside and name not in self._ledger.by_name:
            return None
        found = pd.Series(self._values(_typed_name(name)), dtype="object")
        if name == "report_on" or (name in self._ledger.by_name and self._ledger.by_name[name].type in {"date", "month"}):
            return pd.to_datetime(found)
        return found.astype("int64") if name in self._ledger.derived and self._ledger.derived[name].kind == "persons" else found

    def __len__(self) -> int:
        return len(self._rows)

    def _values(self, name: str) -> list[Any]:
        """One value per row: what stands beside it under this name, else its own."""
        if name not in self._facts:
            if beside := self._beside.get(name):
                self._facts[name] = [beside(row, self._backgrounds[row.sender.district_code]) for row in self._rows]
            elif name in self._rows[0].values:
                self._facts[name] = [row.values[name] for row in self._rows]
            else:
                raise GateClosed(f"{self._ledger.name}: a rule names {name}, and no row has it; see the rules.yml")
        return self._facts[name]

    def _is_filled(self, name: str) -> np.ndarray:
        if name not in self._filled:
            self._filled[name] = np.fromiter((value is not None for value in self._values(name)), dtype=bool, count=len(self._rows))
        return self._filled[name]


def build_frame(batch: RowBatch, names: set[str], scope: np.ndarray) -> pd.DataFrame:
    """The rows in scope, with their positions in the batch as column row_id; a column that no row has is left out."""
    columns = {name: series for name in sorted(names) if (series := batch.series(name)) is not None}
    return pd.DataFrame({"row_id": range(len(batch)), **columns})[scope]


def _typed_name(column: str) -> str:
    """The value a rule means by a column: 乡镇 is judged as the township the row came to belong to, also where the cell is blank."""
    return "township_code" if column == "township" else column


# ── evaluation ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _with_equal_scope(scopes: Sequence[np.ndarray]) -> list[list[int]]:
    """The numbers of the expectations, those together that are judged on the same rows."""
    together: dict[bytes, list[int]] = {}
    for number, scope in enumerate(scopes):
        together.setdefault(scope.tobytes(), []).append(number)
    return list(together.values())


def _expectation(ledger: Ledger, declared: Declared, number: int) -> Any:
    arguments = {name: value for name, value in declared.expect.items() if name != "type"}
    kind = getattr(gx.expectations, "".join(word.title() for word in declared.expect["type"].split("_")), None)
    if kind is None:
        raise GateClosed(f"{ledger.name} {declared.rule_id}: Great Expectations has no {declared.expect['type']}; see the rules.yml")
    try:
        return kind(**arguments, meta={"number": number})
    except (TypeError, ValueError) as error:
        raise GateClosed(f"{ledger.name} {declared.rule_id}: {declared.expect['type']} does not take these arguments: {error}") from error


def _evaluate(ledger: Ledger, expectations: list[Any], frame: pd.DataFrame) -> Sequence[Any]:
    try:
        suite = gx.ExpectationSuite(name=ledger.name, expectations=expectations)
        return batches().get_batch({"dataframe": frame}).validate(suite, result_format=_RESULT_FORMAT).results
    except Exception as error:  # whatever it is: a run of the gate that did not end proves nothing
        raise GateClosed(f"{ledger.name}: Great Expectations failed: {type(error).__name__}") from error


@lru_cache(maxsize=1)
def batches() -> Any:
    """What makes a batch of Great Expectations from a frame, in this process; it keeps no more than the last frame."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context.data_sources.add_pandas("rows").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("rows")


def _trust(ledger: Ledger, declared: Sequence[Declared], scopes: Sequence[np.ndarray], results: Sequence[Any]) -> list[Evaluated]:
    """Turn results into verdicts, or close the gate: a rule that was not evaluated looks exactly like a rule that nobody broke."""
    evaluated: dict[int, Evaluated] = {}
    for result in results:
        number = result.expectation_config.meta["number"]
        entry, scope, outcome = declared[number], scopes[number], result.result
        broken = [info for info in _exceptions(result.exception_info) if info.get("raised_exception")]
        if broken:
            raise GateClosed(f"{ledger.name} {entry.rule_id}: the expectation could not be evaluated: {broken[0].get('exception_message')}")
        in_scope = int(scope.sum())
        if outcome.get("element_count") != in_scope:
            raise GateClosed(f"{ledger.name} {entry.rule_id}: {outcome.get('element_count')} rows evaluated, {in_scope} are in scope")
        failed = tuple(sorted(entry["row_id"] for entry in outcome.get("unexpected_index_list") or ()))
        if len(failed) != outcome["unexpected_count"] or result.success != (not failed):
            raise GateClosed(f"{ledger.name} {entry.rule_id}: {outcome['unexpected_count']} rows fail, {len(failed)} are named")
        if not scope[list(failed)].all():
            raise GateClosed(f"{ledger.name} {entry.rule_id}: rows fail that are not in scope")
        evaluated[number] = Evaluated(entry, in_scope, failed)
    if len(evaluated) != len(declared):
        missing = sorted({entry.rule_id for number, entry in enumerate(declared) if number not in evaluated})
        raise GateClosed(f"{ledger.name}: {len(evaluated)} of {len(declared)} expectations were evaluated; missing: {', '.join(missing)}")
    return [evaluated[number] for number in sorted(evaluated)]


def _exceptions(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [info] if "raised_exception" in info else list(info.values())
