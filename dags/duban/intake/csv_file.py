"""Reads a CSV: encoding, separator, records. Nothing is replaced or repaired: what is damaged is said, by line.

Runs inside the sandbox.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from itertools import islice, pairwise

from duban.intake import limits
from duban.intake.cells import Cell, Document, Misplaced, Sheet, Unreadable, display, plain_text, text_cell, trim

IsHeader = Callable[[list[Cell]], bool]
SEPARATORS = (",", ";", "\t", "，")
HEADER_ROWS = 20
#: More lines whose quotes do not close are no slips of the pen.
MAX_BROKEN_LINES = 50
#: A quote that is open for so many lines is not closed; and beyond one time through the file, nothing is searched in vain.
MAX_LINES_OF_RECORD, SEARCHED_ANYWAY = 50_000, 1 << 20
#: A line with more separators is not taken apart at all.
MAX_FIELDS = 1 << 20
#: A blank field too many in fewer records than these may be an accident in each; in all of so many it is how the file was written.
MIN_RECORDS_OF_A_TAIL = 5
_HEAD, _REST = re.compile(r"[(（]?[-¥￥]?\s*\d{1,3}"), re.compile(r"\d{3}(?:\.\d+)?\s*(?:元|万元)?[)）]?")
_QUOTED_FORMULA = re.compile(r'="((?:[^"]|"")*)"')
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_MARKUP = ("<!doctype", "<html", "<table", "<?xml")
_CJK = re.compile("[\u4e00-\u9fff]")
# GB18030 code points that the codec still maps to private use; the standard of 2022 (and Unicode 4.1) gives them characters.
_GB18030_2022 = {
    **dict(zip(range(0xE78D, 0xE797), (0xFE10, 0xFE12, 0xFE11, *range(0xFE13, 0xFE1A)), strict=True)),
    **{0xE7C7: 0x1E3F, 0xE816: 0x20087, 0xE817: 0x20089, 0xE818: 0x200CC, 0xE831: 0x215D7, 0xE83B: 0x2298F, 0xE855: 0x241FE},
    **dict(zip((0xE81E, 0xE826, 0xE82B, 0xE82C, 0xE832, 0xE843, 0xE854, 0xE864), range(0x9FB4, 0x9FBC), strict=True)),
}
_SAVE_ANEW = "请用 Excel 或 WPS 打开检查，另存为 .xlsx 后重新报送"


def read(data: bytes, is_header: IsHeader) -> Document:
    """The one table of a CSV. A line that cannot be taken apart, and a field (filled or not) beyond the header's, is a `Misplaced` cell.

    `is_header` recognises a header row: by it encoding and separator are chosen.

    Raises:
        Unreadable: S01 (encoding, quotes, not a CSV at all), S10 (too many rows or columns).
    """
    text, encoding = _decode(data, is_header)
    if not text.strip():
        return Document("csv", (), encoding=encoding)
    if text.lstrip()[:200].lower().startswith(_MARKUP):
        raise Unreadable("S01", "这是网页格式的文件，请用 Excel 或 WPS 打开，另存为 .xlsx 后重新报送")
    if text.count("\x00") * 100 > len(text):
        raise Unreadable("S01", f"这不是表格文件，或文件已损坏，或文字编码不明；{_SAVE_ANEW}")
    separator = _separator(text, is_header)
    rows = _rows(text, separator)
    header = next((number for number, row in enumerate(rows[:HEADER_ROWS]) if is_header(row)), None)
    _check(rows, header, encoding)
    return Document("csv", (Sheet("", _placed(rows, header)),), encoding=encoding)


def _decode(data: bytes, is_header: IsHeader) -> tuple[str, str]:
    """Text and encoding: a byte order mark decides; else strict UTF-8, else strict GB18030."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            candidates = [encoding]
            break
    else:
        candidates = ["utf-8", "gb18030"]
    damaged_at = 0
    for encoding in candidates:
        try:
            text = data.decode(encoding)
            return (text.translate(_GB18030_2022) if encoding == "gb18030" else text), encoding
        except UnicodeDecodeError as error:
            damaged_at = max(damaged_at, error.start)
            if _separator_of_header(data[: error.start].decode(encoding, "ignore"), is_header):
                break  # this is the encoding of the file, and here it is damaged; another one would only make gibberish of it
    line = data.count(b"\n", 0, damaged_at) + 1
    raise Unreadable("S01", f"文字编码有误，文件在第 {line} 行附近已损坏；{_SAVE_ANEW}")


def _refuse_mixed_encodings(rows: list[list[Cell]]) -> None:
    """Cells of UTF-8 in a file of GB18030: they decode without an error, to gibberish (鐜嬪皬鏄 for 王小明)."""
    for number, row in enumerate(rows, start=1):
        for cell in row:
            if isinstance(cell, str) and not cell.isascii():
                try:
                    meant = cell.encode("gb18030").decode("utf-8")
                except UnicodeDecodeError:
                    continue
                if len(_CJK.findall(meant)) >= 2:
                    raise Unreadable("S01", f"文件里混有两种文字编码，在第 {number} 行附近；{_SAVE_ANEW}")


def _separator(text: str, is_header: IsHeader) -> str:
    """The separator under which a header shows; without a header the one that makes most columns."""
    found = _separator_of_header(text, is_header)
    return found or max(SEPARATORS, key=lambda separator: max(map(len, _first_rows(text, separator)), default=0))


def _separator_of_header(text: str, is_header: IsHeader) -> str | None:
    return next((separator for separator in SEPARATORS if any(map(is_header, _first_rows(text, separator)))), None)


def _first_rows(text: str, separator: str) -> list[list[Cell]]:
    return list(islice(_records(text[: 1 << 20], separator, lenient=True), HEADER_ROWS))


def _records(text: str, separator: str, *, lenient: bool = False) -> Iterator[list[Cell]]:
    """One record per line of the file, blank ones included: their numbers are what the clerk is told.

    A line whose quotes do not close is one `Misplaced` cell, and reading goes on with the line after it.

    Raises:
        Unreadable: S01, too many such lines (not when `lenient`).
    """
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    lines = _Lines(text, separator)
    broken = searched = 0
    while lines.at < len(text):
        start = lines.at
        try:
            for record in csv.reader(lines, delimiter=separator, strict=True):
                yield [text_cell(_as_shown(value) if value[0] == "=" else value) if value else None for value in record]
                start, lines.left = lines.at, MAX_LINES_OF_RECORD
        except csv.Error:
            broken, searched = broken + 1, searched + lines.at - start
            lines.at, lines.left = start, MAX_LINES_OF_RECORD
            yield [Misplaced(plain_text(next(lines).rstrip("\r\n")))]
            if broken > MAX_BROKEN_LINES or searched > len(text) + SEARCHED_ANYWAY:
                if lenient:
                    return
                raise Unreadable("S01", f"很多行的引号不成对，分不清哪些字在同一格；{_SAVE_ANEW}") from None


class _Lines:
    """The lines of a text one by one, from wherever `at` is set to; no list of them is kept, there may be millions."""

    def __init__(self, text: str, separator: str):
        self.at, self.left = 0, MAX_LINES_OF_RECORD
        self._text, self._separator = text, separator

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.at >= len(self._text):
            raise StopIteration
        line = _LINE.match(self._text, self.at)[0]
        if len(line) > MAX_FIELDS and line.count(self._separator) > MAX_FIELDS:
            raise Unreadable("S10", f"一行里的列数超过 {limits.MAX_COLUMNS} 列")
        self.at, self.left = self.at + len(line), self.left - 1
        if self.left < 0:
            raise csv.Error("a quote is open for too long")
        return line


def _rows(text: str, separator: str) -> list[list[Cell]]:
    """All records, counted as they come: a file may hold more of them than memory does."""
    rows, filled, cells, filled_cells = [], 0, 0, 0
    for record in _records(text, separator):
        rows.append(record if any(record) else [])
        if rows[-1]:
            filled, cells, filled_cells = filled + 1, cells + len(record), filled_cells + len(record) - record.count(None)
        if len(rows) > limits.MAX_ROWS:
            raise Unreadable("S10", f"文件超过 {limits.MAX_ROWS} 行")
        if len(record) > limits.MAX_COLUMNS:
            raise Unreadable("S10", f"第 {len(rows)} 行有 {len(record)} 列，超过 {limits.MAX_COLUMNS} 列")
        if filled > limits.MAX_FILLED_ROWS:
            raise Unreadable("S10", f"有内容的行超过 {limits.MAX_FILLED_ROWS} 行，请分开报送")
        if cells > limits.MAX_CELLS or filled_cells > limits.MAX_FILLED_CELLS:
            raise Unreadable("S10", f"有内容的单元格超过 {limits.MAX_FILLED_CELLS} 格，请分开报送")
    return rows


def _check(rows: list[list[Cell]], header: int | None, encoding: str) -> None:
    broken = sum(bool(row) and isinstance(row[0], Misplaced) for row in rows)
    if broken and (header is None or 2 * broken > sum(any(row) for row in rows)):
        raise Unreadable("S01", f"引号不成对，分不清哪些字在同一格；{_SAVE_ANEW}")
    if encoding == "gb18030":
        _refuse_mixed_encodings(rows)


def _as_shown(value: str) -> str:
    """A field as a spreadsheet shows it: exporters write ="0012" to keep the zeros."""
    found = _QUOTED_FORMULA.fullmatch(value)
    return found[1].replace('""', '"') if found else value


def _placed(rows: list[list[Cell]], header: int | None) -> list[list[Cell]]:
    """Without trailing empty fields and records.

    A record with more fields than the header's has a separator too many somewhere: nobody knows where, so the first field beyond is
    `Misplaced`, be it blank (the last column of that row was) or not. A lone text, as in a note, has not been torn apart.
    """
    if header is not None:
        width = len(rows[header]) + _common_tail(rows, header)
        for row in rows[header + 1 :]:
            if len(row) > width and (any(row[width:]) or len(row) - row.count(None) > 1):
                surplus = row[width:] if any(row[width:]) else [""]
                row[width:] = [None if cell is None else Misplaced(display(cell)) for cell in surplus]
    return trim(rows)


def _common_tail(rows: list[list[Cell]], header: int) -> int:
    """Blank fields that an exporter puts behind every record but the header: as many in each of several, and no number torn in two."""
    below, width = [row for row in rows[header + 1 :] if len(row) - row.count(None) > 1], len(rows[header])
    surplus = {len(row) - width for row in below}
    if len(below) < MIN_RECORDS_OF_A_TAIL or len(surplus) > 1 or min(surplus) <= 0 or any(any(row[width:]) for row in below):
        return 0
    torn = any(_is_torn(left, right) for row in below for left, right in pairwise(row[:width]))
    return 0 if torn else surplus.pop()


def _is_torn(left: Cell, right: Cell) -> bool:
    """True for the halves of 1,234.50."""
    return isinstance(left, str) and isinstance(right, str) and bool(_HEAD.fullmatch(left.strip()) and _REST.fullmatch(right.strip()))
