"""Data rows → typed rows with marks: what each cell means, and which cell rule (R01–R11) it breaks.

The gate judges; this module only reads. A mark says which column broke which rule; a column with a mark has no value, and rules
that need it are not evaluated for that row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache, partial
from typing import Any, NamedTuple

from duban.intake.cells import Cell, display
from duban.intake.places import Places
from duban.intake.reading import DataRow, Table
from duban.intake.values import BLANK, CellContext, Value, read_cell
from duban.ledgers import Column, Derivation, Expectations, Ledger
from duban.text.names import names_holder
from duban.text.words import mask_name

_Read = Callable[[Cell], Value]
#: Of so many different cells of a column it is remembered what they mean: most say what others said.
_CELLS_REMEMBERED = 4096


@dataclass(frozen=True)
class Sender:
    """The registered unit whose folder the file lay in."""

    unit_code: str
    kind: str  # township, office, group
    district_code: str


class Referred(NamedTuple):
    """What a row refers to: the version that holds on its report date. `township_code` is None where the ledger knows no township."""

    report_on: date
    township_code: str | None


@dataclass(slots=True)
class TypedRow:
    """One data row of a submission. `values` by column name, plus township_code and village codes; `marks` are (rule id, column name);
    `referred` by column that refers to another ledger: what that names, None when it is blank or unknown.
    """

    submission_id: str
    table: Table
    row: DataRow
    report_on: date
    sender: Sender
    values: dict[str, Any]
    marks: list[tuple[str, str]] = field(default_factory=list)
    referred: Mapping[str, Referred | None] = field(default_factory=dict)

    @property
    def ledger(self) -> Ledger:
        """The ledger the row belongs to."""
        return self.table.ledger

    @property
    def key(self) -> str | None:
        """The row's key, or None when it is blank or unreadable; of a ledger of villages it is a code, once the row is placed."""
        return self.values.get(self.ledger.key_column)

    @property
    def shown_key(self) -> str | None:
        """The key as others than the sender may see it: that of a household is a household."""
        return mask_name(self.key) if self.key and self.ledger.grain == "household" else self.key

    def holder_of(self, column: Column) -> str | None:
        """Whose name must not stand in a column: that of the household head in texts; in 责任领导 a name is an official's."""
        return None if column.type == "person" else self.holders_named

    @property
    def holders_named(self) -> str | None:
        """The cells that name the household heads of the row; None where its ledger has no such column."""
        holders = self.ledger.holders
        return "、".join([display(self.row.cells.get(holder.name)) for holder in holders]) if holders else None

    def unreadable(self) -> set[str]:
        """Columns whose cell holds something that could not be read."""
        if self.row.misplaced_at is not None:
            return set(self.ledger.by_name)
        return {column for rule_id, column in self.marks if rule_id not in {"R01", "R08"}}


class CellReaders:
    """What reads the cells of the files of a round: what a cell means is read once for all that ask alike."""

    def __init__(self, expectations: Expectations):
        self._expectations = expectations
        self._known: dict[tuple[Any, ...], list[tuple[Column, _Read, _Read]]] = {}

    def of(self, table: Table, report_on: date, uses_1904: bool) -> list[tuple[Column, _Read, _Read]]:
        """The columns of a table, and of each what reads its plain texts and its other cells."""
        asked = (table.ledger.name, report_on, uses_1904, *sorted(table.factors.items()))
        if asked not in self._known:
            words, vocabularies, factors = self._expectations.words, self._expectations.vocabularies, table.factors
            self._known[asked] = [
                (column, *_readers(column, CellContext(report_on, words, vocabulary, factors.get(column.name), uses_1904)))
                for column in table.ledger.columns
                for vocabulary in [vocabularies.get(column.vocabulary)]
            ]
        return self._known[asked]


def type_rows(
    submission_id: str, table: Table, sender: Sender, report_on: date, cell_readers: CellReaders, uses_1904: bool
) -> list[TypedRow]:
    """Type every data row of a table. Townships and villages are matched later, when the owner of each key is known: `place_rows`."""
    readers = cell_readers.of(table, report_on, uses_1904)
    typed = []
    for row in table.rows:
        result = TypedRow(submission_id, table, row, report_on, sender, {})
        if row.misplaced_at is not None:
            result.values = dict.fromkeys(table.ledger.by_name)
            result.marks.append(("R11", table.ledger.key))
            typed.append(result)
            continue
        for column, read_text, read in readers:
            name = column.name
            cell = row.cells.get(name)
            value = BLANK if cell is None else read_text(cell) if type(cell) is str else read(cell)
            if column.type == "key" and value.value and names_holder(value.value, result.holder_of(column)):
                value = Value(broken="R10")
            result.values[name] = value.value
            if value.broken:
                result.marks.append((value.broken, name))
            elif value.value is None and column.is_required:
                result.marks.append(("R01", name))
        if row.is_unclear:
            result.marks.append(("R08", table.ledger.key))
        typed.append(result)
    return typed


def _readers(column: Column, context: CellContext) -> tuple[_Read, _Read]:
    """What reads the plain texts of a column, each different one once, and what reads its other cells: of them two may be equal and mean
    different things.
    """
    read = partial(read_cell, column=column, context=context)
    return lru_cache(maxsize=_CELLS_REMEMBERED)(read), read


def mark_repeated_keys(rows: list[TypedRow]) -> tuple[list[TypedRow], list[TypedRow]]:
    """Rows of one ledger of one file with the same key: equal copies are set aside (W08), different ones marked R08, all of them.

    Returns:
        The rows to judge, and the copies that are ignored. Call before `place_rows`, so that cells are compared without defaults.
    """
    by_key: dict[str, list[TypedRow]] = {}
    for row in rows:
        if row.key is not None and not row.row.is_unclear:
            by_key.setdefault(row.key, []).append(row)
    copies: set[int] = set()
    for same in by_key.values():
        if len(same) > 1 and len({_content(row) for row in same}) == 1:
            copies.update(id(row) for row in same[1:])
        elif len(same) > 1:
            for row in same:
                row.marks.append(("R08", row.ledger.key))
    return [row for row in rows if id(row) not in copies], [row for row in rows if id(row) in copies]


def _content(row: TypedRow) -> tuple:
    """What two rows are compared by: the typed value of each known column, or the cell as written where it could not be read."""
    unreadable = row.unreadable()
    return tuple(("?", display(row.row.cells.get(name))) if name in unreadable else ("=", row.values[name]) for name in row.ledger.by_name)


def place_rows(rows: Sequence[TypedRow], places: Places, owners: Mapping[str, str | None]) -> None:
    """Match township and villages of each row of a ledger (R04, R05, R06) and fill the defaults. `owners`: township code that each key has
    now.
    """
    if not rows:
        return
    ledger = rows[0].ledger
    unplaced = {f"{column.type[:7]}_code{column.type[7:]}": () if column.type == "villages" else None for column in ledger.place_columns}
    for row in rows:
        row.values |= unplaced
        township, is_matched = _township(row, places, owners)
        if is_matched and township is None and row.sender.kind == "office":
            township = _township_of_office_row(row, places, owners.get(row.key))
        if is_matched:
            _villages(row, places, township)
        row.values["township_code"] = township
        for name, default in ledger.defaults.items():
            if row.values[name] is None and name not in row.unreadable():
                row.values[name] = _default(default, row.values)


def _default(default: Derivation, row: Mapping[str, Any]) -> Any:
    """What a blank cell is filled with."""
    if default.kind == "value":
        return default.of
    return row[default.of].year if row[default.of] else None


def _township(row: TypedRow, places: Places, owners: Mapping[str, str | None]) -> tuple[str | None, bool]:
    """Township code by the 乡镇 cell (None: names none), and whether villages can be matched."""
    if "township" in row.unreadable():
        return None, False
    name = row.values.get("township")
    if row.sender.kind == "township":
        if name is None or places.township(name) == row.sender.unit_code:
            return row.sender.unit_code, True
        row.marks.append(("R06", "township"))
        return None, False
    if name is not None:
        if code := places.township(name):
            return code, True
        row.marks.append(("R04", "township"))
        return None, False
    if row.ledger.township == "referred" and (column := row.ledger.references[0].column) not in row.unreadable():
        # only what belongs to a department needs no 乡镇
        owner = referred.township_code if (referred := row.referred.get(column)) else None
        if row.values[column] is None or (owner and owner != places.office_code):
            row.marks.append(("R01", "township"))
            return owner, True
    return None, True


def _township_of_office_row(row: TypedRow, places: Places, owner: str | None) -> str | None:
    """Township of an office row that names none: that of its village if the name fits one in the district, else the one its key has."""
    codes = {code[:9] for column in row.ledger.place_columns for code in _matched(row, column, places, None) or ()}
    if len(codes) == 1:
        return codes.pop()
    return owner if owner and owner != places.office_code and not codes else None


def _villages(row: TypedRow, places: Places, township: str | None) -> None:
    """Match the village columns of the row within the township (None: the district)."""
    for column in row.ledger.place_columns:
        if row.values[column.name] is not None:
            found = _matched(row, column, places, township)
            if found is None:
                row.marks.append(("R05", column.name))
            elif column.type == "villages":
                row.values["village_codes"] = found
            else:
                (row.values["village_code"],) = found


def _matched(row: TypedRow, column: Column, places: Places, township: str | None) -> tuple[str, ...] | None:
    """Village codes that a cell names, or None when one of them is not found."""
    text = row.values.get(column.name)
    if text is None:
        return ()
    if column.type == "villages":
        return places.village_list(text, row.report_on, township)
    found = places.village(text, row.report_on, township)
    return None if found is None else (found,)


def readable_amounts(row: TypedRow) -> dict[str, Any]:
    """Numbers of the row by column name, None where blank or unreadable: what totals are checked against."""
    return {column.name: row.values[column.name] for column in row.ledger.columns if column.type in {"money", "number", "count"}}
