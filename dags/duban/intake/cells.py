"""Cells as they leave the sandboxed reader: plain, typed, and safe to carry over a pipe as JSON.

A cell is None (empty), str, bool, datetime.date, or one of the classes below. Nothing is a float: a number is its digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple


class Number(NamedTuple):
    """A number cell of a workbook: its decimal digits, and whether the cell is formatted as a percentage."""

    digits: str
    is_percent: bool = False


class Faulty(NamedTuple):
    """A cell without a usable value: `#REF!` and its kin, or a formula that was never calculated (text is then the empty string)."""

    text: str


class Moment(NamedTuple):
    """A time of day or duration where no date belongs; never a valid value of any column."""

    text: str


Cell = None | str | bool | date | Number | Faulty | Moment


@dataclass(frozen=True)
class Sheet:
    """One sheet: rows from row 1 and column A, without trailing empty ones.

    `merged` areas are (first row, first column, last row, last column), 0-based like `hidden_rows`.
    """

    name: str
    rows: list[list[Cell]]
    is_hidden: bool = False
    merged: tuple[tuple[int, int, int, int], ...] = ()
    hidden_rows: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Document:
    """A file as read: its kind (`xlsx`, `csv`), for CSV encoding and separator, and its sheets."""

    kind: str
    sheets: tuple[Sheet, ...]
    encoding: str | None = None
    separator: str | None = None
    uses_1904: bool = False


class Unreadable(Exception):
    """The file cannot be read: rule `S01` or `S10`, with a sentence in Chinese that tells the clerk why."""

    def __init__(self, rule_id: str, reason: str, cell: str | None = None, sheet: str = ""):
        super().__init__(reason)
        self.rule_id, self.reason, self.cell, self.sheet = rule_id, reason, cell, sheet


def address(row: int, column: int) -> str:
    """A1 address of a 0-based row and column."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def display(cell: Cell) -> str:
    """The cell as a clerk sees it, as text."""
    match cell:
        case None:
            return ""
        case bool():
            return "TRUE" if cell else "FALSE"
        case date():
            return cell.isoformat()
        case Number(digits, _):
            return digits
        case Faulty(text):
            return text or "（未计算的公式）"
        case Moment(text):
            return text
        case _:
            return cell


def to_json(document: Document) -> dict[str, Any]:
    """The document as JSON-ready values; `from_json` is the inverse."""
    return {
        "kind": document.kind,
        "encoding": document.encoding,
        "separator": document.separator,
        "uses_1904": document.uses_1904,
        "sheets": [
            {
                "name": sheet.name,
                "is_hidden": sheet.is_hidden,
                "merged": sheet.merged,
                "hidden_rows": sorted(sheet.hidden_rows),
                "rows": [[_encode(cell) for cell in row] for row in sheet.rows],
            }
            for sheet in document.sheets
        ],
    }


def from_json(data: dict[str, Any]) -> Document:
    """Rebuild the document that `to_json` took apart."""
    return Document(
        kind=data["kind"],
        encoding=data["encoding"],
        separator=data["separator"],
        uses_1904=data["uses_1904"],
        sheets=tuple(
            Sheet(
                name=sheet["name"],
                rows=[[_decode(cell) for cell in row] for row in sheet["rows"]],
                is_hidden=sheet["is_hidden"],
                merged=tuple(tuple(area) for area in sheet["merged"]),
                hidden_rows=frozenset(sheet["hidden_rows"]),
            )
            for sheet in data["sheets"]
        ),
    )


def _encode(cell: Cell) -> Any:
    match cell:
        case None | bool() | str():
            return cell
        case date():
            return ["d", cell.isoformat()]
        case Number(digits, is_percent):
            return ["p" if is_percent else "n", digits]
        case Faulty(text):
            return ["e", text]
        case Moment(text):
            return ["t", text]


def _decode(value: Any) -> Cell:
    if not isinstance(value, list):
        return value
    tag, text = value
    match tag:
        case "d":
            return date.fromisoformat(text)
        case "e":
            return Faulty(text)
        case "t":
            return Moment(text)
        case _:
            return Number(text, tag == "p")
