"""A unit's own workbook: its ledgers filled with what is known now, drop-down lists, formats, notes; all made from `expectations/`.

Sent back unchanged, a template is accepted and changes nothing: every row is written so that it is read as the version it was made from.
Rows for which that cannot be are left out and counted; a key that is absent stays as it is.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill
from openpyxl.styles.cell_style import StyleArray
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.dimensions import RowDimension
from openpyxl.worksheet.worksheet import Worksheet

from duban import warehouse
from duban.intake import values
from duban.intake.places import build_places
from duban.intake.tables import REPORT_DATE_LABEL
from duban.ledgers import MONEY_UNITS, Expectations, Ledger, RuleText, in_order, load_expectations
from duban.outbox import claim_outbox
from duban.quality.template_guide import (
    GRID,
    HEADING,
    OPTIONAL_FILL,
    PLAIN,
    REQUIRED_FILL,
    TITLE,
    Guide,
    add_guide,
    add_options,
    display_width,
    guide,
    lines,
    print_layout,
    put,
)
from duban.quality.template_rows import MONEY_UNIT, Content, Known, Percent, contents
from duban.settings import Settings
from duban.text.workbook_text import escaped, set_text

#: Rows below the filled ones that are ready to be typed into, and how many of them are ruled. All ruled rows are printed.
EMPTY_ROWS, RULED_ROWS = 500, 20
TITLE_ROW, UNIT_ROW, DATE_ROW, HINT_ROW, HEADER_ROW = range(1, 6)
FIRST_ROW = HEADER_ROW + 1
_HINT = "黄色列名必填；鼠标移到列名上看填法，全部规定见“填表说明”。日期不填就按收到的那一天计。新的内容写在下面的空行里，列名不要改动。"
_DATE, _MONTH, _TEXT, _GENERAL = "yyyy-mm-dd", "yyyy-mm", "@", "General"
# What looks like a number or a date stays what was typed: 001, 3-1, an identity number.
_FORMATS = {"date": _DATE, "month": _MONTH} | dict.fromkeys(["money", "number", "percent", "count", "year"], _GENERAL)
_ALIGNED = dict.fromkeys(["date", "month", "year", "vocabulary"], "center")
_ALIGNED |= dict.fromkeys(["money", "number", "percent", "count"], "right")
# Least and greatest width by type: so narrow that a page still can be read.
_WIDTHS = {
    **{"date": (12, 12), "month": (10, 10), "money": (11, 14), "number": (9, 14), "percent": (9, 9), "count": (8, 10)},
    **{"person": (9, 12), "id_number": (21, 21), "certificate": (25, 25), "text": (10, 26)},
}
_USUAL_WIDTH = (10, 18)
_MAX_DIGITS_SHOWN = 10  # a cell in the format General shows so many; a longer number is given a format of its own
_INPUT = PatternFill("solid", start_color="FFFFF2CC", end_color="FFFFF2CC")
_QUIET = Font(name="宋体", size=10, color="FF595959")
_AUTHOR = "督办"
_NOT_IN_NAMES = re.compile(r"[^\w()（）·-]")


class UnknownUnit(LookupError):
    """The unit is not registered; the message names units that are."""


class UnknownLedger(LookupError):
    """The unit sends no such ledger; the message names those that it may send."""


@dataclass(frozen=True)
class Written:
    """A template in the outbox: where it lies, how many rows it holds by the title of their ledger, and how many were left out."""

    path: Path
    counts: Mapping[str, int]
    left_out: int


def write_template(conn: psycopg.Connection, settings: Settings, unit_code: str, on: date, also: str = "") -> Written:
    """Write a unit's template into the outbox; one that lies there is replaced at once.

    It holds the ledgers that are demanded, those of which the unit has rows, and one that is asked for by name or title (`also`).

    Raises:
        UnknownUnit: no such unit is registered.
        UnknownLedger: the unit may not send what is asked for.
        OutboxTaken: another warehouse writes there.
    """
    claim_outbox(conn, settings)
    expectations = load_expectations(settings)
    known, left_out = fetch(conn, unit_code, expectations, on, also)
    workbook = build(known, expectations)
    # Like slips, templates carry the sender's own rows: whoever shares the folder opens it to the right persons.
    (settings.outbox / "templates").mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = settings.outbox / "templates" / unit_code
    folder.mkdir(exist_ok=True)
    # Without a date: one in the name of a file that is sent back would be its report date.
    path = folder / f"{_NOT_IN_NAMES.sub('_', known.unit.unit_name)}报送模板.xlsx"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.draft")
    try:
        workbook.save(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    titles = {expectations.ledgers[name].title: len(rows) for name, rows in known.rows.items()}
    return Written(path, titles, left_out)


def fetch(conn: psycopg.Connection, unit_code: str, expectations: Expectations, on: date, also: str = "") -> tuple[Known, int]:
    """What is known of a unit, by the ledgers of its template, and how many of its rows a template cannot hold.

    Raises:
        UnknownUnit: no such unit is registered.
        UnknownLedger: the unit may not send what is asked for.
    """
    units = warehouse.divisions.registered_units(conn)
    unit = units.get(unit_code)
    if unit is None:
        raise UnknownUnit(_similar(unit_code, units))
    townships, villages = warehouse.divisions.townships_and_villages(conn, unit.district_code)
    rows, left_out, ledgers = {}, 0, ledgers_of(unit, expectations)
    if also and not any(also in (ledger.name, ledger.title) for ledger in ledgers):
        raise UnknownLedger("、".join(f"{ledger.name} {ledger.title}" for ledger in ledgers))
    for ledger in ledgers:
        current = warehouse.versions.current_rows(conn, ledger, unit, expectations.ledgers)
        if not (ledger.is_demanded or current or also in (ledger.name, ledger.title)):
            continue
        # What refers to a row that was handed to another township since would be sent back; as it stands it stays valid.
        kept = [row for row in current if "referred_township" not in row or row["referred_township"] == row["township_code"]]
        left_out += len(current) - len(kept)
        rows[ledger.name] = sorted(kept, key=lambda row, key=ledger.key_column: _natural(row[key]))
    places = build_places(unit.district_code, townships, villages, expectations.village_aliases)
    return Known(unit, sorted(townships), sorted(villages), places, rows, on, expectations.words), left_out


def ledgers_of(unit: warehouse.divisions.Unit, expectations: Expectations) -> list[Ledger]:
    """The ledgers that a unit of this kind sends, the daily one first."""
    return in_order(ledger for ledger in expectations.ledgers.values() if unit.unit_kind in ledger.senders)


def build(known: Known, expectations: Expectations) -> Workbook:
    """The workbook: a sheet per ledger, then 填表说明 and 选项."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    workbook.properties.creator, workbook.properties.title = _AUTHOR, f"{known.unit.unit_name}报送模板"
    guides = [
        (ledger, [guide(ledger, column, known, expectations) for column in ledger.columns])
        for ledger in map(expectations.ledgers.__getitem__, known.rows)
    ]
    sheets = [workbook.create_sheet(ledger.title) for ledger, _ in guides]
    add_guide(workbook, known, guides, expectations)
    lists = add_options(workbook, [(ledger, column) for ledger, columns in guides for column in columns])
    for sheet, (ledger, columns) in zip(sheets, guides, strict=True):
        _fill_sheet(sheet, ledger, columns, known, expectations, lists)
    return workbook


def _similar(unit_code: str, units: Mapping[str, warehouse.divisions.Unit]) -> str:
    near = [unit for code, unit in sorted(units.items()) if code[:6] == unit_code[:6]]
    if near:
        return "、".join(f"{unit.unit_code} {unit.unit_name}" for unit in near)
    return "、".join(f"{district}…" for district in sorted({unit.district_code for unit in units.values()})[:20])


def _natural(key: str) -> list[tuple[bool, int, str]]:
    """Order of keys as a clerk counts: 2 before 10."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", key)]


# ── a ledger sheet ───────────────────────────────────────────────────────────────────────────────────────────────────


def _fill_sheet(
    sheet: Worksheet,
    ledger: Ledger,
    guides: Sequence[Guide],
    known: Known,
    expectations: Expectations,
    lists: Mapping[tuple[str, ...], str],
) -> None:
    rows = [[contents(entry.column, row, ledger, known, expectations.vocabularies) for entry in guides] for row in known.rows[ledger.name]]
    last = HEADER_ROW + len(rows) + EMPTY_ROWS
    widths = [_width(entry, [_shown(row[position]) for row in rows]) for position, entry in enumerate(guides)]
    for position, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(position)].width = width
    _add_head(sheet, ledger, guides, known, expectations)
    for position, entry in enumerate(guides, start=1):
        ruled, plain = _style(sheet, entry, GRID), _style(sheet, entry, Border())
        for number in range(FIRST_ROW, last + 1):
            cell = sheet.cell(number, position)
            # The cell's own copy: a text that begins like a formula changes it.
            cell._style = copy(ruled if number < FIRST_ROW + len(rows) + RULED_ROWS else plain)
            if number - FIRST_ROW < len(rows):
                _set_content(cell, rows[number - FIRST_ROW][position - 1])
        if validation := _validation(entry, known, lists, expectations):
            letter = get_column_letter(position)
            validation.add(f"{letter}{FIRST_ROW}:{letter}{last}")
            sheet.add_data_validation(validation)
    for number, row in enumerate(rows, start=FIRST_ROW):
        height = max(lines(_shown(value), width) for value, width in zip(row, widths, strict=True))
        sheet.row_dimensions[number] = _FittedRow(sheet, index=number, ht=17 * height)
    sheet.freeze_panes = sheet.cell(FIRST_ROW, 2)
    print_layout(sheet, HEADER_ROW, "landscape")


def _add_head(sheet: Worksheet, ledger: Ledger, guides: Sequence[Guide], known: Known, expectations: Expectations) -> None:
    """Title, sender, report date, hint, header. Nothing stands to the right of the date's cell: it would be read as the date."""
    put(sheet, TITLE_ROW, 1, f"{known.unit.unit_name}{ledger.title}", TITLE, wrap=False)
    sheet.row_dimensions[TITLE_ROW].height = 30
    put(sheet, UNIT_ROW, 1, f"填报单位：{known.unit.unit_name}（{known.unit.unit_code}）", PLAIN, wrap=False)
    put(sheet, DATE_ROW, 1, f"{REPORT_DATE_LABEL}：", PLAIN, wrap=False)
    day = sheet.cell(DATE_ROW, 2)
    day.number_format, day.fill, day.border, day.font = _DATE, _INPUT, GRID, PLAIN
    validation = _dates(known, expectations)
    validation.promptTitle = REPORT_DATE_LABEL
    validation.prompt = "不填就按收到的那一天计。每张表都填的，要填同一天；不能晚于报送的那一天。"
    validation.add(day.coordinate)
    sheet.add_data_validation(validation)
    put(sheet, HINT_ROW, 1, _HINT, _QUIET, wrap=False)
    for number in (UNIT_ROW, DATE_ROW, HINT_ROW):
        sheet.row_dimensions[number].height = 18
    for position, entry in enumerate(guides, start=1):
        cell = put(sheet, HEADER_ROW, position, entry.header, HEADING)
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        cell.fill, cell.border = REQUIRED_FILL if entry.column.is_required else OPTIONAL_FILL, GRID
        comment = Comment(entry.note, _AUTHOR)
        comment.width, comment.height = 320, 30 + 18 * lines(entry.note, 44)
        cell.comment = comment
    sheet.row_dimensions[HEADER_ROW].height = 26


class _FittedRow(RowDimension):
    """A row that is as high as its text is now, and grows with it: not every program fits it when the file is opened."""

    customHeight = False


def _width(entry: Guide, texts: Sequence[str]) -> int:
    """Width of a column: as its header and its texts need, the texts within the bounds of the type."""
    least, most = _WIDTHS.get(entry.column.type, _USUAL_WIDTH)
    return max(least, 2 + display_width(entry.header), min(most, 2 + max(map(display_width, texts), default=0)))


def _style(sheet: Worksheet, entry: Guide, border: Border) -> StyleArray:
    """The style of a column's cells."""
    model, kind = Cell(sheet, 1, 1), entry.column.type
    model.font, model.number_format, model.border = PLAIN, _FORMATS.get(kind, _TEXT), border
    model.alignment = Alignment(horizontal=_ALIGNED.get(kind), vertical="center", wrap_text=True)
    return model._style


def _set_content(cell: Cell, content: Content) -> None:
    match content:
        case None:
            pass
        case str():
            set_text(cell, escaped(content))
        case Percent(of_hundred):
            shown = f"{(of_hundred / 100).normalize():f}"
            cell.number_format = f"0.{'0' * (len(shown) - 4)}%" if len(shown) > 4 else "0%"
            _set_number(cell, shown)
        case Decimal():
            digits = _digits(content)
            if len(digits.replace(".", "").lstrip("-")) > _MAX_DIGITS_SHOWN and "." in digits:
                cell.number_format = f"0.{'0' * len(digits.partition('.')[2])}"
            _set_number(cell, digits)
        case _:
            cell.value = content


def _set_number(cell: Cell, digits: str) -> None:
    """A number by its decimal digits, exactly as they are: no float comes between."""
    cell.value, cell.data_type = digits, "n"


def _digits(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _shown(content: Content) -> str:
    match content:
        case None:
            return ""
        case Percent(of_hundred):
            return f"{_digits(of_hundred)}%"
        case Decimal():
            return _digits(content)
        case _:
            return str(content)


# ── what may be typed ────────────────────────────────────────────────────────────────────────────────────────────────


def _validation(entry: Guide, known: Known, lists: Mapping[tuple[str, ...], str], expectations: Expectations) -> DataValidation | None:
    """What a program lets a clerk type into the column; None: anything."""
    advice = entry.bounds.rule if entry.bounds else entry.type_rule
    fix = advice.fix_for(entry.column.type) if isinstance(advice, RuleText) else advice.fix if advice else ""
    error = f"{advice.reason}。{fix}" if advice else ""
    if entry.options:
        # A village may be known by another name, and some columns take several.
        is_free = entry.column.type in {"village", "villages"}
        return _rule("list", f"不在下拉列表里。{entry.hint or error}", "warning" if is_free else "stop", formula1=lists[entry.options])
    match entry.column.type:
        case "date" | "month":
            return _dates(known, expectations, entry.column.type)
        case "money" | "number" | "percent":
            return _rule("decimal", error, **_between(entry))
        case "count":
            return _rule("whole", error, operator="greaterThanOrEqual", formula1="0")
        case "year":
            first, last = _years(known)
            return _rule("whole", error, operator="between", formula1=str(first), formula2=str(last))
        case "id_number":
            return _rule("textLength", error, operator="equal", formula1="18")
        case "certificate":
            return _rule("textLength", error, operator="between", formula1="18", formula2="22")
        case _:
            return None


def _rule(kind: str, error: str, style: str = "stop", **arguments: str) -> DataValidation:
    validation = DataValidation(
        type=kind, allow_blank=True, showErrorMessage=True, showInputMessage=True, errorStyle=style, error=error[:255], **arguments
    )
    validation.errorTitle = "请核对"
    return validation


def _between(entry: Guide) -> dict[str, str]:
    bounds = entry.bounds
    if bounds and bounds.is_strict and bounds.most is None:
        return {"operator": "greaterThan", "formula1": _digits(bounds.least)}
    largest = values.MAX_YUAN / (1 if entry.column.type == "number" else MONEY_UNITS[MONEY_UNIT])
    least = -largest if bounds is None or bounds.least is None else bounds.least
    most = largest if bounds is None or bounds.most is None else bounds.most
    return {"operator": "between", "formula1": _digits(least), "formula2": _digits(most)}


def _dates(known: Known, expectations: Expectations, column_type: str = "date") -> DataValidation:
    first, last = _years(known)
    rule = expectations.wording("R02")
    limits = {"formula1": f"{to_excel(date(first, 1, 1)):.0f}", "formula2": f"{to_excel(date(last, 12, 31)):.0f}"}
    return _rule("date", f"{rule.reason}。{rule.fix_for(column_type)}", operator="between", **limits)


def _years(known: Known) -> tuple[int, int]:
    """The years that a date may have."""
    return values.FIRST_YEAR, known.on.year + values.YEARS_AHEAD
