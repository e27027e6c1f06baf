"""Cells as they leave the sandboxed reader: plain, typed, and safe to carry over a pipe as JSON.

A cell is None (empty), str, bool, datetime.date, or one of the classes below. Nothing is a float: a number is its digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from duban.intake import limits, number_formats


class Number(NamedTuple):
    """A number cell of a workbook: its decimal digits, and its number format where that may show something else than they say."""

    digits: str
    format: str = ""

    @property
    def is_percent(self) -> bool:
        """True when the cell is formatted as a percentage."""
        return "%" in self.format and number_formats.shown(self.format, self.digits).is_percent

    @property
    def shown(self) -> str:
        """What a reader of the sheet sees."""
        return number_formats.shown(self.format, self.digits).text if self.format else self.digits


class StyledText(str):
    """A text cell of a workbook whose number format shows more than the text, or other (`"ZY-"@`). It is the text as stored."""

    format: str

    def __new__(cls, text: str, code: str) -> StyledText:
        """The text with its format."""
        styled = super().__new__(cls, text)
        styled.format = code
        return styled

    @property
    def shown(self) -> str:
        """What a reader of the sheet sees."""
        return number_formats.shown_text(self.format, str(self))


def styled(cell: Cell, code: str) -> Cell:
    """The cell with the number format that it has in its workbook; only numbers and texts carry one."""
    if isinstance(cell, Number):
        return Number(cell.digits, code)
    if code and isinstance(cell, str) and number_formats.shown_text(code, cell) != cell:
        return StyledText(cell, code)
    return cell


class Faulty(NamedTuple):
    """A cell without a usable value: `#REF!` and its kin, or a formula that was never calculated (text is then the empty string)."""

    text: str


class Moment(NamedTuple):
    """A time of day or duration where no date belongs; never a valid value of any column."""

    text: str


class Misplaced(NamedTuple):
    """Text of a CSV that stands in no column: a field beyond those of the header, or a whole line whose quotes do not close."""

    text: str


class Picture(NamedTuple):
    """A picture in the place of a value, and what the file has for its text. Nothing is read from it."""

    text: str = ""


Cell = None | str | bool | date | Number | Faulty | Moment | Misplaced | Picture

#: In a slip, before the text of a field that stands beyond those of the header: while it is there, the row is not in order.
SURPLUS_MARK = "（多出的格）"


@dataclass(frozen=True)
class Sheet:
    """One sheet: rows from row 1 and column A, without trailing empty ones.

    `merged` areas are (first row, first column, last row, last column), 0-based like `hidden_rows` and `pictures`, the (row, column) of
    pictures that lie on the sheet. `too_wide` names the first cell beyond what is read, when there is one.
    """

    name: str
    rows: list[list[Cell]]
    is_hidden: bool = False
    merged: tuple[tuple[int, int, int, int], ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    pictures: tuple[tuple[int, int], ...] = ()
    too_wide: str | None = None


@dataclass(frozen=True)
class Document:
    """A file as read: its kind (`xlsx`, `xls`, `csv`), for CSV its encoding, and its sheets."""

    kind: str
    sheets: tuple[Sheet, ...]
    encoding: str | None = None
    uses_1904: bool = False
    has_external_links: bool = False


class Unreadable(Exception):
    """The file cannot be read: rule `S01` or `S10`, with a sentence in Chinese that tells the clerk why."""

    def __init__(self, rule_id: str, reason: str, cell: str | None = None, sheet: str = ""):
        super().__init__(reason)
        self.rule_id, self.reason, self.cell, self.sheet = rule_id, reason, cell, sheet


def check_sheet_count(count: int) -> None:
    """Raises `Unreadable` (S10) for a workbook of more sheets than anyone keeps by hand."""
    if count > limits.MAX_SHEETS:
        raise Unreadable("S10", f"文件里有 {count} 个工作表，超过 {limits.MAX_SHEETS} 个，请分开报送")


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
    if type(cell) is str:  # as nearly all are
        return cell
    match cell:
        case None:
            return ""
        case bool():
            return "TRUE" if cell else "FALSE"
        case date():
            return cell.isoformat()
        case Number(digits):
            return digits
        case Faulty(text):
            return text or "（未计算的公式）"
        case Moment(text) | Misplaced(text):
            return text
        case Picture():
            return "（图片）"
        case _:
            return cell


def decimal_digits(value: float) -> str:
    """Decimal digits of a workbook number, never in exponent form.

    A whole number is exact; a fraction has the 15 significant digits a spreadsheet shows, without the binary noise behind them.
    """
    if value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    digits = Decimal(f"{value:.15g}")
    return f"{digits.normalize():f}" if digits else "0"


@lru_cache(maxsize=1 << 15)  # of equal texts all cells hold one
def text_cell(text: str) -> str | Picture:
    """The text as a cell: a picture where WPS has put one into the cell."""
    return Picture(plain_text(text)) if text.startswith("=") and is_picture_formula(text[1:]) else plain_text(text)


def plain_text(text: str) -> str:
    """The text of a cell, cut where no spreadsheet could go on (`limits.MAX_CELL_TEXT`).

    A NUL, which no database takes, becomes another control character: it is told of, or dropped, like those.
    """
    return text[: limits.MAX_CELL_TEXT].replace("\x00", "\x01")


def is_picture_formula(formula: str) -> bool:
    """True for the formula (without its `=`) by which WPS puts a picture into a cell."""
    return formula[:64].strip().upper().removeprefix("_XLFN.").startswith("DISPIMG(")


def trim(rows: list[list[Cell]]) -> list[list[Cell]]:
    """The rows, in place, without trailing empty cells and trailing empty rows."""
    for row in rows:
        while row and row[-1] is None:
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return rows


_TAGGED = {"s": StyledText, "n": Number, "e": Faulty, "t": Moment, "m": Misplaced, "i": Picture}
_TAGS = {kind: tag for tag, kind in _TAGGED.items()}


def encode(cell: Cell) -> Any:
    """The cell as a JSON-ready value; `decode` is the inverse."""
    match cell:
        case StyledText():
            return ["s", str(cell), cell.format]
        case None | bool() | str():
            return cell
        case date():
            return ["d", cell.isoformat()]
        case Number(digits, code):
            return ["n", digits, code] if code else ["n", digits]
        case _:
            return [_TAGS[type(cell)], *cell]


def decode(value: Any) -> Cell:
    """Rebuild the cell that `encode` took apart."""
    if not isinstance(value, list):
        return value
    tag, *parts = value
    return date.fromisoformat(*parts) if tag == "d" else _TAGGED[tag](*parts)
