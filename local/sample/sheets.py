"""A ledger as a sheet: title, lines above the header, header, rows, totals, notes, in the habits of its sender."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby
from random import Random
from typing import Any

from local.sample.data import told
from local.sample.mistakes import FUNDS, HIDDEN_ROW, PROBLEMS, WRONG_TOTAL, Written
from local.sample.people import person_name
from local.sample.places import OFFICE
from local.sample.spellings import MONEY, YUAN_PER_UNIT, Formatted, plain, spelled_cell
from local.sample.styles import EXPLANATION, Style

LEDGERS = told("ledgers.yml")
HEADLINE_MONEY = ("计划总投资", "金额")
SYNTHETIC = "（样例数据）"


@dataclass
class Sheet:
    """A sheet as a grid: rows of cells, merged areas (first row, first column, last row, last column; 1-based)."""

    name: str
    rows: list[list[Any]] = field(default_factory=list)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    header_rows: list[int] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden: bool = False

    def add(self, *cells: Any) -> int:
        """Append a row; its number."""
        self.rows.append(list(cells))
        return len(self.rows)


def explanation_sheet(unit_name: str) -> Sheet:
    """The sheet 说明 that some senders put beside their ledgers."""
    return Sheet("说明", [[f"{unit_name}台账填写说明"], *([line] for line in EXPLANATION)])


def ledger_sheet(
    ledger: str, rows: list[dict[str, Any]], style: Style, unit: str, unit_name: str, day: date, rng: Random, omit: str | None = None
) -> Sheet:
    """One ledger of one day as its sender writes it; `omit` leaves a column out."""
    columns = [column for column in style.columns(ledger) if column != omit]
    sheet = Sheet(style.sheet_names.get(ledger, ledger))
    _add_head(sheet, ledger, columns, style, unit_name, day)
    _add_header(sheet, ledger, columns, style)
    _add_rows(sheet, ledger, columns, _arranged(rows, ledger, style, unit), style, unit, day, rng)
    sheet.add(*[None] * len(columns))
    for note in style.notes:
        at = sheet.add(note, *[None] * (len(columns) - 1))
        sheet.merges.append((at, 1, at, len(columns)))
    return sheet


def _arranged(rows: list[dict[str, Any]], ledger: str, style: Style, unit: str) -> list[dict[str, Any]]:
    """The rows in the sender's order: by the column it merges; the office's money by tier."""
    column = "资金层级" if (unit, ledger) == (OFFICE, FUNDS) else style.merged
    return sorted(rows, key=lambda row: _plain(row[column]) or "") if column else rows


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Written) else value


def _add_head(sheet: Sheet, ledger: str, columns: list[str], style: Style, unit_name: str, day: date) -> None:
    """Title, sender, report date and money unit above the header."""
    width = len(columns)
    sheet.add(f"{unit_name}{LEDGERS[ledger]['title']}{SYNTHETIC}", *[None] * (width - 1))
    sheet.merges.append((1, 1, 1, width))
    line: list[Any] = [f"填报单位：{unit_name}"] + [None] * (width - 1)
    chinese = f"{day.year}年{day.month}月{day.day}日"
    if style.date_cell == "one":
        line[width // 2] = f"填报日期：{chinese}" if not style.encoding else f"填报日期：{day}"
    elif style.date_cell == "two":
        line[width // 2], line[width // 2 + 1] = "填报日期", Formatted(day, "yyyy-mm-dd")
    if style.unit_line and "counted" not in LEDGERS[ledger]:
        line[width - 1] = style.unit_line
    sheet.add(*line)


def _add_header(sheet: Sheet, ledger: str, columns: list[str], style: Style) -> None:
    """One header row, or two with groups over the columns."""
    names = [style.aliases.get(ledger, {}).get(column, column) for column in columns]
    if style.header_unit:
        names = [f"{name}（{style.header_unit}）" if column in MONEY else name for name, column in zip(names, columns, strict=True)]
    groups = LEDGERS[ledger]["groups"] if style.two_row_header else {}
    if not groups:
        sheet.header_rows = [sheet.add(*names)]
        return
    upper: list[Any] = list(names)
    lower: list[Any] = [None] * len(names)
    at = len(sheet.rows) + 1
    spans = [(name, columns.index(first), columns.index(last)) for name, (first, last) in groups.items()]
    for name, first, last in spans:
        upper[first : last + 1] = [name] + [None] * (last - first)
        lower[first : last + 1] = names[first : last + 1]
        sheet.merges.append((at, first + 1, at, last + 1))
    sheet.merges += [(at, column, at + 1, column) for column, name in enumerate(lower, start=1) if name is None]
    sheet.header_rows = [sheet.add(*upper), sheet.add(*lower)]


def _add_rows(
    sheet: Sheet, ledger: str, columns: list[str], rows: list[dict[str, Any]], style: Style, unit: str, day: date, rng: Random
) -> None:
    """The data with serial numbers, merged cells, subtotals of tiers and the total."""
    first = len(sheet.rows) + 1
    by_tier = (unit, ledger) == (OFFICE, FUNDS)
    number = 0
    for _, group in groupby(rows, key=lambda row: _plain(row["资金层级"]) if by_tier else None):
        members = list(group)
        for row in members:
            number += 1
            sheet.add(*[
                spelled_cell(column, row[column], style, rng) if column in row else _extra(column, number, rng) for column in columns
            ])  # fmt: skip
            if rng.random() < 0.02 and not style.merged:
                sheet.add(*[None] * len(columns))
        if by_tier:
            sheet.add(*_total_row("小计", columns, members, style))
    if style.merged in columns and ledger != FUNDS:
        _merge_down(sheet, columns.index(style.merged), first, [row[style.merged] for row in rows])
    if style.totals and "counted" not in LEDGERS[ledger]:
        surplus = Decimal(10) if (unit, day, ledger) == WRONG_TOTAL else Decimal(0)
        sheet.add(*_total_row("合 计" if style.two_row_header else "合计", columns, rows, style, surplus))
    elif style.totals:
        cells: list[Any] = ["合计"] + [None] * (len(columns) - 1)
        column, word = LEDGERS[ledger]["counted"]
        cells[columns.index(column)] = f"共{len(rows)}{word}"
        sheet.add(*cells)
    if (unit, day) == HIDDEN_ROW and ledger == PROBLEMS:
        sheet.hidden_rows.append(first + 4)


def _extra(column: str, number: int, rng: Random) -> Any:
    """A column the township keeps for itself."""
    if column == "序号":
        return number
    return f"1990000{rng.randint(0, 9999):04}" if column == "联系电话" else person_name(rng)


def _total_row(word: str, columns: list[str], rows: list[dict[str, Any]], style: Style, surplus: Decimal = Decimal(0)) -> list[Any]:
    """A total over the rows; amounts that cannot be read are left out, as a spreadsheet's SUM does."""
    cells: list[Any] = [None] * len(columns)
    cells[0] = word
    for at, column in enumerate(columns):
        if column in MONEY and at:
            right = sum((row[column] for row in rows if isinstance(row[column], Decimal)), Decimal(0)) * YUAN_PER_UNIT[style.money_unit]
            wrong = [_plain(row[column]) for row in rows if isinstance(row[column], Written)]
            read = sum((Decimal(str(value)) for value in wrong if isinstance(value, int | float)), Decimal(0))
            cells[at] = plain(right + read + (surplus if column in HEADLINE_MONEY else 0))
    return cells


def _merge_down(sheet: Sheet, column: int, first: int, values: list[Any]) -> None:
    """Merge equal neighbours of one column; only the first keeps its text, as a spreadsheet does."""
    at = first
    for value, group in groupby(values, key=lambda value: value if not isinstance(value, Written) else id(value)):
        count = len(list(group))
        if count > 1 and value is not None:
            sheet.merges.append((at, column + 1, at + count - 1, column + 1))
            for row in sheet.rows[at : at + count - 1]:
                row[column] = None
        at += count
