"""The rows below a header: data, totals, and what is neither (docs/rules.md, Reading a table).

A row is known by its shape. What has a key is data, whatever stands in its other cells; so is a row with an amount. A row without a key is
a total, a line of text, or was filled by the template; the words of `expectations/submissions/rules.yml` only tell which of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise

from duban.intake import values
from duban.intake.cells import Cell, Misplaced, Number, Sheet, address, display
from duban.intake.reading import AsideRow, Table, TotalRow
from duban.ledgers import Column, Expectations, Words, header_forms
from duban.text.words import fold

MAX_WORD = 64
#: A row that names this many required columns is a header.
HEADER_COLUMNS = 3
#: The column a return slip adds to the sender's table.
REASON_COLUMN = "退回原因"
#: So many rows without a key that say the same are a template's.
REPEATED = 3
#: A row of numbers under the header counts its columns from so many on.
COUNTED_COLUMNS = 3
#: Some day that is read with a year and without one.
_ANY_DAY = date(2020, 6, 15)
_PLACES = frozenset(["township", "village", "villages"])
#: What a template fills in advance in every row; all else a person must fill.
_DEFAULTS = _PLACES | {"vocabulary", "year"}
_COUNTS = frozenset(["money", "number", "percent", "count"])
_TYPED = _COUNTS | {"vocabulary", "date", "month", "year", "id_number", "certificate"}
_COUNTED = re.compile(r"(?:[共合总]计?)?[-+]?[\d,.]+[\u4e00-\u9fff%]{0,4}", re.ASCII)
_AMOUNT = re.compile(r"[-(]?[¥$]?-?[\d,]*\.?\d+\)?(?:万?元)?", re.ASCII)
_LIKE_A_KEY = re.compile(r"[0-9A-Za-z一二三四五六七八九十甲乙丙丁]")
_LABEL = re.compile(r"[^:]{0,12}[\u4e00-\u9fff)][^:]{0,2}:")
_SENTENCE = re.compile("[,。;!?、]|^[(][一二三四五六七八九十]{1,3}[)]")
_WRITTEN_DAY = re.compile(r"(?:\d{4}|[〇○零一二三四五六七八九]{4})?年?.{1,3}月(?:.{1,3}日)?|\d{4}[-./]\d{1,2}[-./]\d{1,2}|年月日")
_LONGEST_TITLE = 24
_DECORATED = re.compile("[*★☆※●▲△◆:(\\[【〔<]")
_ORDINALS = "甲乙丙丁戊己庚辛壬癸"
_COLUMN_NUMBER = re.compile(r"[(\[]?(\d{1,3})[)\]]?(?:=.*)?栏?", re.ASCII)


def rows_below(
    sheet: Sheet,
    first_row: int,
    table: Table,
    names: Mapping[int, tuple[str, ...]],
    titles: Mapping[int, str],
    expectations: Expectations,
) -> Iterator[tuple[int, dict[int, Cell]]]:
    """Row number and filled cells by position of every data row from `first_row` (0-based) on.

    Merged cells have given their value to all they cover. Totals, ignored and hidden rows are entered into `table`, those that hold
    something with the reason (`AsideRow`). `names` are the columns that each position fills, `titles` what the sender calls it.
    """
    shapes = _Shapes(sheet, first_row, table, titles, expectations)
    for row_index in range(first_row, len(sheet.rows)):
        own = {position: cell for position, cell in enumerate(sheet.rows[row_index]) if is_filled(cell)}
        if not own:
            continue
        row_no = row_index + 1
        if row_index in sheet.hidden_rows:
            table.hidden_row_nos.append(row_no)
        whole = shapes.whole(row_index, own)
        kind = shapes.kind(whole, is_lone=len(own) == 1 and len(set(map(_same, whole.values()))) == 1)
        if kind == "data":
            shapes.has_data = True
            yield row_no, whole
            continue
        table.ignored_row_nos.append(row_no)
        if kind == "total":
            cells = {name: cell for position, cell in whole.items() for name in names.get(position, ())}
            table.totals.append(TotalRow(row_no, *shapes.total(whole), cells, len(table.rows)))
        if kind and (told := shapes.told(kind, own)) is not None:
            table.aside.append(AsideRow(kind, row_no, told))


def is_filled(cell: Cell) -> bool:
    """False for an empty cell and for one that holds white space only."""
    if not isinstance(cell, str):
        return cell is not None
    return cell[:1].isalnum() or bool(fold(cell[:MAX_WORD]) or fold(cell))


def word(cell: Cell) -> str:
    """The cell as it is compared with words and column names; longer texts are none (and folding them again and again takes long)."""
    return fold(cell) if isinstance(cell, str) and len(cell) <= MAX_WORD else ""


def count_unread(table: Table, extras: Mapping[str, Cell], expectations: Expectations) -> None:
    """Count what a data row holds in columns that are not read; what only counts the rows is no loss."""
    for name, cell in extras.items():
        is_told = name == REASON_COLUMN or isinstance(cell, Misplaced)  # by Duban itself; by R11
        if not is_told and name not in expectations.row_words.counters and not values.is_blank(cell, expectations.words):
            table.unread[name] = table.unread.get(name, 0) + 1


def titles_in(texts: Iterable[str], names: frozenset[str]) -> set[str]:
    """Which of the names of columns stand in (folded) texts, whatever stands around them. Most texts are none: they cost a look-up."""
    found = set(names.intersection(texts))
    for text in filter(_DECORATED.search, texts):
        if text not in found and len(text) <= _LONGEST_TITLE:
            found.update(form for form, _ in header_forms(text) if form in names)
    return found


def _same(cell: Cell) -> object:
    return (type(cell), cell)


class _Shapes:
    """What the rows of one table look like."""

    def __init__(self, sheet: Sheet, first_row: int, table: Table, titles: Mapping[int, str], expectations: Expectations):
        by_name = table.ledger.by_name
        self._expectations, self._words, self._table = expectations, expectations.words, table
        self._key = table.positions.get(table.ledger.key)
        self._columns: dict[int, Column] = {}
        for name, position in table.positions.items():
            # of several columns that one cell fills, the required one says most
            if position not in self._columns or by_name[name].is_required:
                self._columns[position] = by_name[name]
        self._titles = {**titles, **{position: column.title for position, column in self._columns.items()}}
        self._required = [at for at, column in self._columns.items() if column.is_required and at != self._key]
        self._money = [at for at, column in self._columns.items() if column.type == "money"]
        self._by_person = [at for at, column in self._columns.items() if column.type not in _DEFAULTS and at != self._key]
        self._down, self._across = _merged_fills(sheet)
        self._bare_with_key = 0
        self._repeated: Counter[tuple[object, ...]] = Counter()
        self.has_data = False
        self._look_ahead(sheet, first_row)

    def whole(self, row_index: int, own: dict[int, Cell]) -> dict[int, Cell]:
        """The cells of a row with those that merged areas give it."""
        down, across = self._down.get(row_index), self._across.get(row_index)
        if not down and not across:
            return own
        whole = {**(down or {}), **own}
        if across and len(whole) > 1:  # a line of text over the whole table is one cell, however wide
            for first, last in across:
                for position in self._columns:
                    if first < position <= last and position not in own and first in whole:
                        whole[position] = whole[first]
        return whole

    def kind(self, cells: Mapping[int, Cell], is_lone: bool) -> str:
        """`data`, `total`, the reason for leaving the row aside, or nothing where there is nothing to tell of it."""
        if Misplaced in map(type, cells.values()):
            return "data"
        key = cells.get(self._key) if self._key is not None else None
        if values.is_blank(key, self._words):
            key = None
        if _counts_columns(cells) or all(_says_nothing(cell, self._words) for cell in cells.values()):
            return ""
        if self._is_example(cells, key):
            return "example"
        if not self.has_data and self._is_hint(cells):
            return "hint"
        if key is not None and not self._is_no_key(key, cells, is_lone):
            return "prefilled" if self._bare_with_key > 1 and self._is_bare(cells) else "data"
        return self._kind_without_key(cells, key, is_lone)

    def _kind_without_key(self, cells: Mapping[int, Cell], key: Cell, is_lone: bool) -> str:
        words = self._expectations.row_words
        if len(titles_in([word(cell) for cell in cells.values()], self._expectations.header_names)) >= HEADER_COLUMNS:
            return "data"  # whose header it is, the reader of the table sees
        right = [at for at in self._required if self._is_right(at, cells.get(at))]
        if any(words.total.fullmatch(word(cell)) for cell in cells.values()):
            return "data" if self._is_complete(right) else "total"
        is_loose_total = any(words.is_like_total(word(cell)) for cell in cells.values())
        if is_loose_total and all(at in self._money or not self._says_more(cells.get(at)) for at in self._required):
            return "total"
        if any(self._is_amount(cells.get(at)) and not self._is_empty(at, cells.get(at)) for at in self._money):
            return "data"
        is_half_filled = 2 * len(right) >= len(self._required) > 0
        has_footer = any(_is_footer(cell, self._expectations) for at, cell in cells.items() if at not in right)
        times = self._repeated[self._said(cells)]
        is_bare = self._is_bare(cells) and not has_footer and (times > 1 or not is_half_filled)
        if key is None and (is_bare or times >= REPEATED):
            return "prefilled"
        if is_half_filled and not is_lone:
            return "data"
        is_told = bool(right) or any(self._says_more(cells.get(at)) for at in self._required)
        return "note" if is_lone or not is_told or key is not None or has_footer else "data"

    def total(self, cells: Mapping[int, Cell]) -> tuple[str, str]:
        """What a total row calls itself, and which rows above it covers: `since` the last one of its kind, `all`, or nobody can tell."""
        texts = [text for text in map(word, cells.values()) if text]
        words = self._expectations.row_words
        for found in filter(None, map(words.total.fullmatch, texts)):
            return found[0], words.covers.get(found["word"], "")
        return next(filter(words.is_like_total, texts)), ""

    def told(self, kind: str, own: Mapping[int, Cell]) -> tuple[str, ...] | None:
        """The columns in which a row left aside holds something; None when there is nothing in it that anybody could miss."""
        words = self._expectations.row_words
        if kind == "total":
            own = {at: cell for at, cell in own.items() if not (_is_count(cell, self._words) or words.is_like_total(word(cell)))}
            own = {at: cell for at, cell in own.items() if at not in self._columns or self._columns[at].type not in _DEFAULTS}
        elif kind == "note":
            own = {at: cell for at, cell in own.items() if not _is_footer(cell, self._expectations, by_words=True)}
        titles = {at: self._titles.get(at) or address(0, at).rstrip("0123456789") for at in sorted(own)}
        filled = [title for at, title in titles.items() if title not in words.counters and not values.is_blank(own[at], self._words)]
        return tuple(filled) or (() if kind in {"example", "hint"} else None)

    def _look_ahead(self, sheet: Sheet, first_row: int) -> None:
        """Count the rows that look as if a template had filled them: only together they tell."""
        for row_index in range(first_row, len(sheet.rows)):
            row = sheet.rows[row_index]
            if self._key is None:
                return
            has_key = self._key < len(row) and not values.is_blank(row[self._key], self._words)
            if has_key and any(at < len(row) and not self._is_empty(at, row[at]) for at in self._by_person):
                continue
            own = {position: cell for position, cell in enumerate(row) if is_filled(cell)}
            whole = self.whole(row_index, own) if own else {}
            if values.is_blank(whole.get(self._key), self._words):
                self._repeated[self._said(whole)] += 1
            elif self._is_bare(whole) and not self._is_no_key(whole[self._key], whole, is_lone=len(own) == 1):
                self._bare_with_key += 1

    def _said(self, cells: Mapping[int, Cell]) -> tuple[object, ...]:
        return tuple(sorted((at, display(cell)) for at, cell in cells.items() if at in self._columns))

    def _is_bare(self, cells: Mapping[int, Cell]) -> bool:
        """Nothing that a person must fill: at most the key, places and words of code lists."""
        return any(at in self._columns for at in cells) and all(self._is_empty(at, cells.get(at)) for at in self._by_person)

    def _is_empty(self, position: int, cell: Cell) -> bool:
        """Nothing, or the zero of a formula over nothing."""
        return values.is_blank(cell, self._words) or (self._columns[position].type in _COUNTS and values.number(cell) == 0)

    def _is_example(self, cells: Mapping[int, Cell], key: Cell) -> bool:
        example = self._expectations.row_words.example
        return any(example.fullmatch(word(cell)) for cell in (key, cells[min(cells)]))

    def _is_hint(self, cells: Mapping[int, Cell]) -> bool:
        """What to write, under the header: most cells say how to fill them, and the key does or no cell reads as its column wants it."""
        words = self._expectations.row_words
        hints = sum(bool(words.hint.search(word(cell))) for cell in cells.values())
        if 2 * hints <= len(cells):
            return False
        typed = [at for at in cells if at in self._columns and self._columns[at].type in _TYPED]
        has_hint_as_key = self._key in cells and words.hint.search(word(cells[self._key])) is not None
        return has_hint_as_key or not any(self._is_right(at, cells[at]) for at in typed)

    def _is_no_key(self, key: Cell, cells: Mapping[int, Cell], is_lone: bool) -> bool:
        """True when what stands in the key column is no number of a row: a word of a total, a signature, a line of text."""
        if not isinstance(key, str):
            return False
        text, words = word(key), self._expectations.row_words
        is_total = words.is_like_total(text)
        if is_total or not text or _is_footer(key, self._expectations):
            # A number may begin with such a word; whoever filled the row meant it.
            right = [at for at in self._required if self._is_right(at, cells.get(at))]
            is_meant = self._is_complete(right) if is_total else 2 * len(right) >= len(self._required) > 0
            return is_lone or (bool(text) or not right) and not is_meant
        if is_lone:
            return not _LIKE_A_KEY.search(text) or bool(_SENTENCE.search(text))
        if _LIKE_A_KEY.search(text):
            return False
        told = [at for at in self._required if self._says_more(cells.get(at))]
        # 填表人： 王芳 审核人： 李明, a cell each
        is_signature = any(_is_footer(cell, self._expectations) for cell in cells.values())
        return not told or (is_signature and not any(self._is_right(at, cells[at]) for at in told if self._columns[at].type in _TYPED))

    def _is_complete(self, right: Sequence[int]) -> bool:
        """True when all is there that a row must hold, and that is more than an amount: a total has that too."""
        return len(right) == len(self._required) and any(at not in self._money for at in right)

    def _is_amount(self, cell: Cell) -> bool:
        return isinstance(cell, Number) or (isinstance(cell, str) and bool(_AMOUNT.fullmatch(word(cell))))

    def _says_more(self, cell: Cell) -> bool:
        """True for a cell that holds something of its own: no sign for nothing, no footer, no total."""
        if values.is_blank(cell, self._words):
            return False
        return not (_is_footer(cell, self._expectations) or self._expectations.row_words.is_like_total(word(cell)))

    def _is_right(self, position: int, cell: Cell) -> bool:
        """True for a cell that its column can take."""
        column = self._columns[position]
        if column.type == "vocabulary":
            return word(cell) in self._expectations.vocabularies[column.vocabulary].words
        if values.is_blank(cell, self._words):
            return False
        match column.type:
            case "month":
                return values.calendar_month(cell, _ANY_DAY) is not None
            case "date":
                return values.calendar_date(cell, _ANY_DAY) is not None
            case "money":
                return self._is_amount(cell)
            case "number" | "percent" | "count" | "year":
                return values.number(cell) is not None
            case _:
                return self._says_more(cell)


def _merged_fills(sheet: Sheet) -> tuple[dict[int, dict[int, Cell]], dict[int, list[tuple[int, int]]]]:
    """Cells that a merged area covers below its first one, by row and position: they hold its value too (a township name down a column);
    and for each row the first and last positions of the areas that cover several.
    """
    down: dict[int, dict[int, Cell]] = {}
    across: dict[int, list[tuple[int, int]]] = {}
    for first_row, first, last_row, last in sheet.merged:
        if first_row < len(sheet.rows) and first < len(sheet.rows[first_row]) and is_filled(sheet.rows[first_row][first]):
            for row in range(first_row, min(last_row + 1, len(sheet.rows))):
                if row > first_row:
                    down.setdefault(row, {})[first] = sheet.rows[first_row][first]
                if last > first:
                    across.setdefault(row, []).append((first, last))
    return down, across


def _says_nothing(cell: Cell, words: Words) -> bool:
    """A sign for nothing, or a line of dashes."""
    return values.is_blank(cell, words) or (isinstance(cell, str) and re.fullmatch(r"[\W_]+", word(cell)) is not None)


def _is_count(cell: Cell, words: Words) -> bool:
    return isinstance(cell, Number) or values.is_blank(cell, words) or (isinstance(cell, str) and bool(_COUNTED.fullmatch(word(cell))))


def _is_footer(cell: Cell, expectations: Expectations, *, by_words: bool = False) -> bool:
    """True for what stands below a table: a signature, a seal, a day, `以下空白`; a label with a colon, unless only known words count."""
    if isinstance(cell, date):
        return True
    text = fold(cell[:MAX_WORD]) if isinstance(cell, str) else ""
    is_known = text.startswith(expectations.note_prefixes) or expectations.row_words.footer.search(text) or _WRITTEN_DAY.fullmatch(text)
    return bool(text and (is_known or (not by_words and _LABEL.match(text))))


def _counts_columns(cells: Mapping[int, Cell]) -> bool:
    """True for a row that numbers the columns: 1 2 3 …, or 甲 乙 1 2 3 …, perhaps (1) or ①."""
    if len(cells) < COUNTED_COLUMNS:
        return False
    first = display(cells[min(cells)])[:MAX_WORD].strip()
    if not (len(first) <= 4 and (first[:1].isdigit() or first[:1] in "(（[[①甲" or first == "栏次")):
        return False
    ordinals, numbers = 0, []
    for position in sorted(cells)[first == "栏次" :]:
        text = fold(display(cells[position])[:MAX_WORD])
        if not numbers and text == _ORDINALS[ordinals : ordinals + 1]:
            ordinals += 1
        elif found := _COLUMN_NUMBER.fullmatch(text):
            numbers.append(int(found[1]))
        else:
            return False  # as nearly every row is told by its second cell
    return (
        ordinals + len(numbers) >= COUNTED_COLUMNS
        and (not numbers or numbers[0] in {0, 1, 2})
        and all(right == left + 1 for left, right in pairwise(numbers))
    )
