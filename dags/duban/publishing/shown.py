"""Ledgers that are shown by what their folders declare: counts of each township on a page and in issues, rows as a sheet of details.

`expectations/<ledger>/shown.yml` says it (expectations/README.md); `make up` registers it in `raw.shown_ledgers`, from where pages and
issues take it. An issue freezes what was declared with its rows, so that it is traced and corrected as it was printed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg.types.json import Jsonb, set_json_loads

from duban import warehouse
from duban.ledgers import Column, Expectations, ExpectationsInvalid, Ledger
from duban.publishing.issues.figures import Figure, Figures
from duban.publishing.issues.series import SERIES
from duban.text.display import YUAN_PER_WAN
from duban.text.words import fold

# a date among the values of `when` is compared as the rows have it
_dumps = partial(json.dumps, default=str)
#: More columns make a table that cannot be read on a page.
MOST_COUNTS = 8


@dataclass(frozen=True)
class Count:
    """One number of a township: how many rows there are (`when` these values stand in them), what a column of theirs adds up to (`sum`),
    or how much one count is of another in percent (`part`, `of`).
    """

    label: str
    unit: str = "个"
    when: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    sum: str | None = None
    is_money: bool = False
    part: str | None = None
    of: str | None = None

    @property
    def heading(self) -> str:
        """Above a column of the numbers, which stand there without a unit."""
        return f"{self.label}（万元）" if self.is_money else self.label

    @property
    def unit_of_value(self) -> str:
        """Behind the number in a sentence; a rate carries its own."""
        return "" if self.part else "万元" if self.is_money else self.unit


@dataclass(frozen=True)
class Detail:
    """A column of the sheet of details; `words` are what is written for stored values of a code list."""

    column: str
    title: str
    type: str
    words: Mapping[str, str] = field(default_factory=dict)

    def written(self, cells: Mapping[str, Any]) -> Any:
        """The cell of a row as the sheet has it."""
        value = cells[self.column]
        if value is None:
            return None
        if self.type == "money":
            return Decimal(value) / YUAN_PER_WAN
        if self.type in {"date", "month"}:
            return date.fromisoformat(value)
        if isinstance(value, bool):
            return "是" if value else "否"
        return value if isinstance(value, int | Decimal) else self.words.get(value, str(value))


@dataclass(frozen=True)
class Shown:
    """What is shown of a ledger: `rows` is the function of the marts that gives them, `columns` what is kept of each."""

    name: str
    title: str
    rows: str
    key: str
    series: Sequence[str]
    counts: Mapping[str, Count]
    details: Sequence[Detail]
    columns: Sequence[str] = ()

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Shown:
        """As it was registered or frozen."""
        counts = {name: Count(**count) for name, count in dict(spec["counts"]).items()}
        return cls(**{**spec, "counts": counts, "details": [Detail(**detail) for detail in spec["details"]]})

    @property
    def code(self) -> str:
        """What the codes of its figures begin with; a township's have its code behind it."""
        return f"ledger.{self.name}"

    def add_figures(self, figures: Figures, rows: Sequence[Any], whole: str, places: Mapping[str, str]) -> None:
        """Count the rows, in total and of each place (name by code) that has any."""
        self._count(figures, self.code, whole, rows)
        for code, name in places.items():
            if own := [row for row in rows if row.township_code == code]:
                self._count(figures, f"{self.code}.{code}", name, own)

    def _count(self, figures: Figures, prefix: str, place: str, rows: Sequence[Any]) -> None:
        for name, count in self.counts.items():
            code, label = f"{prefix}.{name}", f"{place}{self.title}{count.label}"
            counted = [row for row in rows if all(row.cells[column] in values for column, values in count.when.items())]
            if count.part:
                figures.pct(code, label, f"{prefix}.{count.part}", f"{prefix}.{count.of}")
            elif count.sum:
                values = [row.cells[count.sum] or 0 for row in counted]
                value, unit = (sum(map(Decimal, values), Decimal(0)), "yuan") if count.is_money else (sum(values), "count")
                figures.add(Figure(code, label, value, unit, counted))
            else:
                figures.count(code, label, counted)


def exact_json(cursor: psycopg.Cursor[Any]) -> psycopg.Cursor[Any]:
    """The cursor, with decimals of JSON as they stand there."""
    set_json_loads(partial(json.loads, parse_float=Decimal), cursor)
    return cursor


def register_shown_ledgers(conn: psycopg.Connection, expectations: Expectations, folder: Path) -> None:
    """Register what the folders of the ledgers declare; what is not declared any more is shown no more.

    Raises:
        ExpectationsInvalid: a declaration cannot be meant; nothing is registered.
    """
    paths = sorted(folder.glob("*/shown.yml"))
    if strange := [str(path) for path in paths if path.parent.name not in expectations.ledgers]:
        raise ExpectationsInvalid(f"{', '.join(strange)}: the folder is no ledger")
    shown = [read_shown(path, expectations.ledgers[path.parent.name], expectations) for path in paths]
    # the keys of an object have no order in the warehouse
    specs = {one.name: {**asdict(one), "counts": list(asdict(one)["counts"].items())} for one in shown}
    warehouse.issues.replace_shown_ledgers(conn, {name: Jsonb(spec, dumps=_dumps) for name, spec in specs.items()})


def read_shown(path: Path, ledger: Ledger, expectations: Expectations) -> Shown:
    """One declaration, checked against the columns of its ledger.

    Raises:
        ExpectationsInvalid: a key is missing or unknown, or names what does not exist or may not be shown.
    """
    try:
        spec = {"series": (), "details": (), **yaml.safe_load(path.read_text(encoding="utf-8"))}
        spec["counts"] = {
            name: {**count, "is_money": _type_of(ledger, count.get("sum")) == "money"} for name, count in spec["counts"].items()
        }
        spec["details"] = [vars(_detail(ledger.by_name[name], expectations)) for name in spec["details"]]
        shown = Shown.of({"name": ledger.name, "key": ledger.key_column, **spec})
        counted = {name for count in shown.counts.values() for name in (*count.when, count.sum) if name}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise ExpectationsInvalid(f"{path}: {type(error).__name__}: {error}") from error
    # of households only counts are shown
    is_of_households = ledger.grain == "household"
    columns = counted | {detail.column for detail in shown.details if detail.type != "township"}
    columns |= set() if is_of_households else {ledger.key_column}
    counts = list(shown.counts)
    wrong = {
        "series": set(shown.series) - set(SERIES),
        f"1 to {MOST_COUNTS} counts": set(counts[MOST_COUNTS:]) if counts else {"none"},
        "part and of of counts above them": {
            name
            for place, (name, count) in enumerate(shown.counts.items())
            if not {count.part, count.of} <= {*counts[:place]} and {count.part, count.of} != {None}
        },
        "when: lists of values": {
            column for count in shown.counts.values() for column, of in count.when.items() if not isinstance(of, list)
        },
        "details of households": {detail.column for detail in shown.details if is_of_households},
        "columns that identify persons": {name for name in columns if name in ledger.by_name and ledger.by_name[name].is_personal},
    }
    if found := {why: sorted(names) for why, names in wrong.items() if names}:
        raise ExpectationsInvalid(f"{path}: {'; '.join(f'{why}: {names}' for why, names in found.items())}")
    return replace(shown, columns=sorted(columns))


def _type_of(ledger: Ledger, name: str | None) -> str | None:
    return ledger.by_name[name].type if name in ledger.by_name else None


def _detail(column: Column, expectations: Expectations) -> Detail:
    words = {}
    if column.vocabulary:
        vocabulary = expectations.vocabularies[column.vocabulary]
        words = {vocabulary.words[fold(word)][-1][0]: word for word in vocabulary.canonical}
    unit = "（万元）" if column.type == "money" and "万元" not in column.title else ""
    # villages are stored by their codes, and named beside them
    name = column.type if column.type in {"village", "villages"} else column.name
    return Detail(name, column.title + unit, column.type, words)
