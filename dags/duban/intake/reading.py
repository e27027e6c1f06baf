"""What the sandbox found in a file: ledgers with their rows, what breaks a file rule, and what a receipt says of the rest.

A `Reading` is made in a child process (`duban.intake.tables`) and crosses to the parent as JSON (`to_json`, `from_json`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from duban.intake import cells
from duban.intake.cells import Cell, address
from duban.ledgers import Ledger

#: Findings that say what of a file was not read.
NOT_READ = frozenset(["W31", "W32", "W35"])
#: Of more different texts in a column each stands where it is.
_MOST_TEXTS = 1 << 14


@dataclass(frozen=True, slots=True)
class DataRow:
    """One data row: cells by column name, as the sender wrote them (merged cells filled downwards). `row_no` counts from 1.

    `misplaced_at` is the 0-based column of text that belongs to no column of the header: nothing in such a row can be trusted (R11).
    `is_unclear`: it is one with other rows, and nobody can tell which of them gives the cells (R08).
    """

    sheet: str
    row_no: int
    cells: dict[str, Cell]
    extras: dict[str, Cell]
    misplaced_at: int | None = None
    is_unclear: bool = False


class AsideRow(NamedTuple):
    """A row left aside although it holds something: why (`example`, `hint`, `prefilled`, `note`, `total`), and in which columns."""

    kind: str
    row_no: int
    columns: tuple[str, ...]


class TotalRow(NamedTuple):
    """A total row: its word, which rows it covers (`since` the last such row, `all`, empty when nobody can tell), its cells by column
    name, and how many data rows stand above it.
    """

    row_no: int
    word: str
    covers: str
    cells: dict[str, Cell]
    data_rows_above: int


@dataclass
class Table:
    """A ledger as found in one sheet. `positions` are 0-based columns; `factors` turn a money cell into yuan; `unread` are the columns that
    nobody asked for, by what they are called, with the number of data rows that hold something there. `pictures` are the cells that hold or
    bear one. `collapsed` are rows that were taken together with another one (a layout's `collapse`).
    """

    ledger: Ledger
    sheet: str
    header_row_no: int
    positions: dict[str, int]
    factors: dict[str, Decimal]
    rows: list[DataRow] = field(default_factory=list)
    totals: list[TotalRow] = field(default_factory=list)
    ignored_row_nos: list[int] = field(default_factory=list)
    aside: list[AsideRow] = field(default_factory=list)
    hidden_row_nos: list[int] = field(default_factory=list)
    unknown_titles: list[str] = field(default_factory=list)
    unread: dict[str, int] = field(default_factory=dict)
    pictures: list[str] = field(default_factory=list)
    collapsed: list[DataRow] = field(default_factory=list)

    def cell(self, column: str, row_no: int) -> str | None:
        """A1 address of a column in a row, or None when the sheet does not have the column."""
        position = self.positions.get(column)
        return None if position is None else address(row_no - 1, position)


@dataclass(frozen=True)
class FileFault:
    """A broken file rule (S01–S10) and where it shows."""

    rule_id: str
    detail: str
    sheet: str = ""
    cell: str | None = None
    column: str | None = None
    value: str | None = None


@dataclass
class Reading:
    """What a document holds: its kind (`xlsx`, `xls`, `csv`; empty when it could not be read), for CSV the encoding, its ledgers."""

    kind: str = ""
    encoding: str | None = None
    uses_1904: bool = False
    has_external_links: bool = False
    tables: list[Table] = field(default_factory=list)
    faults: list[FileFault] = field(default_factory=list)
    report_dates: list[tuple[date, str]] = field(default_factory=list)
    skipped_sheets: list[str] = field(default_factory=list)
    hidden_sheets: list[str] = field(default_factory=list)
    layout: str | None = None
    slip_of: str | None = None


def to_json(reading: Reading) -> dict[str, Any]:
    """The reading as JSON-ready values; `from_json` is the inverse."""
    return {
        **vars(reading),
        "tables": [_table_to_json(table) for table in reading.tables],
        "faults": [vars(fault) for fault in reading.faults],
        "report_dates": [(day.isoformat(), where) for day, where in reading.report_dates],
    }


def from_json(data: Mapping[str, Any], ledgers: Mapping[str, Ledger]) -> Reading:
    """Rebuild the reading that `to_json` took apart."""
    return Reading(
        **{
            **data,
            "tables": [_table_from_json(table, ledgers) for table in data["tables"]],
            "faults": [FileFault(**fault) for fault in data["faults"]],
            "report_dates": [(date.fromisoformat(day), where) for day, where in data["report_dates"]],
        }
    )


def _table_to_json(table: Table) -> dict[str, Any]:
    texts: dict[str, dict[str, int]] = {name: {} for name in table.ledger.by_name}
    rows, collapsed = ([_row_to_json(row, texts) for row in rows] for rows in (table.rows, table.collapsed))
    return {
        **vars(table),
        "ledger": table.ledger.name,
        "factors": {name: str(factor) for name, factor in table.factors.items()},
        "rows": rows,
        "collapsed": collapsed,
        "totals": [(*total[:3], _cells_to_json(total.cells, texts), total.data_rows_above) for total in table.totals],
        "texts": [list(known) for known in texts.values()],
    }


def _table_from_json(data: Mapping[str, Any], ledgers: Mapping[str, Ledger]) -> Table:
    ledger = ledgers[data["ledger"]]
    texts = dict(zip(ledger.by_name, data["texts"], strict=True))
    return Table(
        **{
            **{name: value for name, value in data.items() if name != "texts"},
            "ledger": ledger,
            "factors": {name: Decimal(factor) for name, factor in data["factors"].items()},
            "rows": [_row_from_json(data["sheet"], row, texts) for row in data["rows"]],
            "collapsed": [_row_from_json(data["sheet"], row, texts) for row in data["collapsed"]],
            "totals": [TotalRow(*told, _cells_from_json(known, texts), above) for *told, known, above in data["totals"]],
            "aside": [AsideRow(kind, row_no, tuple(columns)) for kind, row_no, columns in data["aside"]],
        }
    )


def _row_to_json(row: DataRow, texts: Mapping[str, dict[str, int]]) -> tuple[Any, ...]:
    extras = {title: cells.encode(cell) for title, cell in row.extras.items()}
    return row.row_no, _cells_to_json(row.cells, texts), extras, row.misplaced_at, row.is_unclear


def _row_from_json(sheet: str, data: Sequence[Any], texts: Mapping[str, Sequence[str]]) -> DataRow:
    row_no, known, extras, misplaced_at, is_unclear = data
    extras = {title: cells.decode(value) for title, value in extras.items()}
    return DataRow(sheet, row_no, _cells_from_json(known, texts), extras, misplaced_at, is_unclear)


def _cells_to_json(row: Mapping[str, Cell], texts: Mapping[str, dict[str, int]]) -> list[Any]:
    """The cells of all columns, None where there is none; instead of a text its number among the `texts` of its column: most come again,
    and whoever reads the answer keeps each of them once.
    """
    return [
        None
        if (cell := row.get(name)) is None
        else cells.encode(cell)
        if type(cell) is not str
        else known.setdefault(cell, len(known))
        if len(known) < _MOST_TEXTS
        else known.get(cell, cell)
        for name, known in texts.items()
    ]


def _cells_from_json(data: Sequence[Any], texts: Mapping[str, Sequence[str]]) -> dict[str, Cell]:
    return {
        name: known[value] if type(value) is int else cells.decode(value)
        for (name, known), value in zip(texts.items(), data, strict=True)
        if value is not None
    }
