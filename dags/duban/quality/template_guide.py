"""What a column asks of the clerk, in the words of `expectations/`: options, bounds, rules; and the sheets 填表说明 and 选项."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.worksheet import Worksheet

from duban.intake.values import CellContext, read_cell
from duban.ledgers import MONEY_UNITS, Column, Expectations, Ledger, Rule, RuleText
from duban.quality.template_rows import MONEY_UNIT, Known
from duban.text.workbook_text import set_text

GUIDE_SHEET, OPTIONS_SHEET = "填表说明", "选项"
REQUIRED = "必填"
FONT = "宋体"
TITLE, HEADING, PLAIN = Font(name=FONT, size=16, bold=True), Font(name=FONT, size=11, bold=True), Font(name=FONT, size=11)
REQUIRED_FILL = PatternFill("solid", start_color="FFFFD966", end_color="FFFFD966")
OPTIONAL_FILL = PatternFill("solid", start_color="FFD9E1F2", end_color="FFD9E1F2")
GRID = Border(*[Side(style="thin", color="FFA6A6A6")] * 4)
_WRAP = Alignment(wrap_text=True, vertical="center")
_WIDTHS = (15, 16, 58, 62)
_LINE = 15
# No clerk means it, and no type but text can read it: by what the reader says of it, a type tells the rule that it has.
_UNREADABLE = "看不懂"


@dataclass(frozen=True)
class Bounds:
    """Between which numbers a rule wants every cell of a column."""

    rule: Rule
    least: Decimal | None
    most: Decimal | None
    is_strict: bool


@dataclass(frozen=True)
class Guide:
    """What one column asks of one unit."""

    column: Column
    header: str
    options: tuple[str, ...]
    rules: tuple[Rule, ...]
    type_rule: RuleText | None
    bounds: Bounds | None

    @property
    def hint(self) -> str:
        """What to fill in."""
        return self.column.help or (self.type_rule.fix_for(self.column.type) if self.type_rule and not self.options else "")

    @property
    def note(self) -> str:
        """The note of the header cell."""
        said = [REQUIRED if self.column.is_required else "可不填", self.hint]
        said.append(f"选项：{'、'.join(self.options)}" if self.options else "")
        said.extend(f"{rule.id} {rule.reason}。{rule.fix}" for rule in self.rules)
        return "\n".join(filter(None, said))


def guide(ledger: Ledger, column: Column, known: Known, expectations: Expectations) -> Guide:
    """What `column` asks of the unit."""
    rules = tuple(rule for rule in applicable(ledger, known.unit.unit_kind) if rule.column == column.name)
    vocabulary = expectations.vocabularies.get(column.vocabulary)
    broken = read_cell(_UNREADABLE, column, CellContext(known.on, known.words, vocabulary)).broken
    return Guide(
        column=column,
        header=f"{column.title}({MONEY_UNIT})" if column.type == "money" else column.title,
        options=_options(ledger, column, known, expectations),
        rules=rules,
        type_rule=expectations.wording(broken) if broken else None,
        bounds=next(filter(None, (_bounds(rule, column) for rule in rules)), None),
    )


def applicable(ledger: Ledger, unit_kind: str) -> list[Rule]:
    """The rules of a ledger that a unit of this kind can break."""
    about = [rule for rule in ledger.rules if unit_kind in rule.when.get("sender_kind", (unit_kind,))]
    return [rule for rule in about if unit_kind not in _reserved_for(rule)]


def _reserved_for(rule: Rule) -> Sequence[str]:
    """The kinds of units to which the rule leaves something; empty when it is about something else."""
    return rule.expect["value_set"] if rule.expect.get("column") == "sender_kind" else ()


def _options(ledger: Ledger, column: Column, known: Known, expectations: Expectations) -> tuple[str, ...]:
    """What may be chosen: the words of a code list that this unit may use now, the township or townships, the villages of a township."""
    match column.type:
        case "vocabulary":
            vocabulary = expectations.vocabularies[column.vocabulary]
            forbidden = {
                value
                for rule in applicable(ledger, known.unit.unit_kind)
                if _reserved_for(rule) and set(rule.when) == {column.name}
                for value in rule.when[column.name]
            }
            usable = {word: vocabulary.stored(word, known.on) for word in vocabulary.canonical}
            return tuple(word for word, stored in usable.items() if stored is not None and stored not in forbidden)
        case "township":
            return tuple(known.own_townships)
        case "village" | "villages":
            return tuple(known.own_villages)
        case _:
            return ()


def _bounds(rule: Rule, column: Column) -> Bounds | None:
    """The bounds that a rule puts to every cell of the column itself."""
    expect = rule.expect
    if expect["type"] != "expect_column_values_to_be_between" or expect["column"] != column.name or rule.when:
        return None
    unit = MONEY_UNITS[MONEY_UNIT] if column.type == "money" else 1
    least, most = (None if (bound := expect.get(name)) is None else Decimal(str(bound)) / unit for name in ("min_value", "max_value"))
    return Bounds(rule, least, most, bool(expect.get("strict_min")))


# ── 选项 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def add_options(workbook: Workbook, guides: Iterable[tuple[Ledger, Guide]]) -> dict[tuple[str, ...], str]:
    """Add the sheet 选项; returns where each list stands, as a reference.

    One option per row: a row that named several columns would be taken for the header of a ledger, and a list may be longer than a row.
    """
    sheet = workbook.create_sheet(OPTIONS_SHEET)
    lists: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for ledger, column in guides:
        if column.options:
            lists.setdefault(column.options, {}).setdefault(column.column.title, []).append(ledger.title)
    row = _headline(sheet, "下拉列表的选项（改动这里不会改变规定）", ("用在哪里", "选项"), (44, 24))
    places = {}
    for options, users in lists.items():
        label = "\n".join(f"{title}（{'、'.join(ledgers)}）" for title, ledgers in users.items())
        for offset, option in enumerate(options):
            put(sheet, row + offset, 2, option, PLAIN).border = GRID
            sheet.cell(row + offset, 1).border = GRID
        put(sheet, row, 1, label, HEADING).alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = _LINE * (label.count("\n") + 1) + 2
        sheet.merge_cells(start_row=row, start_column=1, end_row=row + len(options) - 1, end_column=1)
        places[options] = f"'{OPTIONS_SHEET}'!$B${row}:$B${row + len(options) - 1}"
        row += len(options)
    print_layout(sheet, 2, "portrait")
    return places


# ── 填表说明 ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def add_guide(workbook: Workbook, known: Known, guides: Sequence[tuple[Ledger, Sequence[Guide]]], expectations: Expectations) -> None:
    """Add the sheet 填表说明: how to send, the columns and rules of each ledger, the rules of every cell and file."""
    sheet = workbook.create_sheet(GUIDE_SHEET)
    for number, width in enumerate(_WIDTHS):
        sheet.column_dimensions["ABCD"[number]].width = width
    set_text(sheet["A1"], f"{known.unit.unit_name}填表说明")
    sheet["A1"].font = TITLE
    sheet.row_dimensions[1].height = 30
    row = 2
    for number, step in enumerate(_steps(known), start=1):
        put(sheet, row, 1, f"{number}. {step}", PLAIN)
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=len(_WIDTHS))
        sheet.row_dimensions[row].height = _LINE * lines(f"{number}. {step}", sum(_WIDTHS))
        row += 1
    for ledger, columns in guides:
        table = [
            (guide.header, REQUIRED if guide.column.is_required else "", guide.hint, "、".join(guide.options) or "") for guide in columns
        ]
        row = _table(sheet, row + 1, f"{ledger.title}：每一列怎么填", ("列", REQUIRED, "填什么", "选项"), table)
        rules = [(rule.id, ledger.by_name[rule.column].title, rule.reason, rule.fix) for rule in applicable(ledger, known.unit.unit_kind)]
        row = _table(sheet, row + 1, f"{ledger.title}：什么情况会退回", ("编号", "列", "什么情况会退回", "怎么改"), rules)
    for title, texts in (("每张台账都有的规定", expectations.cell_rules), ("整份文件的规定", expectations.file_rules)):
        rows = [(rule.id, "", rule.reason, rule.fix) for rule in texts.values()]
        row = _table(sheet, row + 1, title, ("编号", "", "什么情况会退回", "怎么改"), rows)
    print_layout(sheet, None, "landscape")


def _steps(known: Known) -> list[str]:
    return [
        f"表里已经填好本单位到 {known.on:%Y-%m-%d} 为止报过的内容。有变化的直接改那一行，新的写在下面的空行里。",
        "黄色的列名是必填的列。把鼠标移到列名上，可以看到填法、选项和规定；带下拉箭头的格子请从下拉里选。列名和列名上面的几行不要改动。",
        "同一个编号再报一次，就以后报的这一行为准，整行替换：空着的格子也算改成了空的。没有变化的行可以留着，也可以删去；删去一行不等于撤销。",
        "填报日期不填，就按收到的那一天计；每张表都填的，要填同一天。",
        f"填好后保存为 .xlsx，放进本单位（{known.unit.unit_code}）的收件文件夹。有退回的，按退回单改好再放回来。",
    ]


def _table(sheet: Worksheet, row: int, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Write a table with its title; returns the row after it."""
    put(sheet, row, 1, title, HEADING, wrap=False)
    sheet.row_dimensions[row].height = 22
    for number, text in enumerate(header, start=1):
        cell = put(sheet, row + 1, number, text, HEADING)
        cell.fill, cell.border = OPTIONAL_FILL, GRID
    for offset, texts in enumerate(rows, start=2):
        for number, text in enumerate(texts, start=1):
            put(sheet, row + offset, number, text, PLAIN).border = GRID
        if texts[1] == REQUIRED:
            sheet.cell(row + offset, 1).fill = sheet.cell(row + offset, 2).fill = REQUIRED_FILL
        height = max(lines(text, width) for text, width in zip(texts, _WIDTHS, strict=True))
        sheet.row_dimensions[row + offset].height = _LINE * height + 2
    return row + 2 + len(rows)


# ── shared with the ledger sheets ────────────────────────────────────────────────────────────────────────────────────


def put(sheet: Worksheet, row: int, column: int, text: str, font: Font, *, wrap: bool = True):
    """Write a text; returns its cell."""
    cell = sheet.cell(row, column)
    set_text(cell, text)
    cell.font = font
    cell.alignment = _WRAP if wrap else Alignment(vertical="center")
    return cell


def lines(text: str, width: float) -> int:
    """How many lines a text takes in a column: not every program fits the height of a row by itself."""
    return sum(max(1, -(-display_width(line) // max(1, int(width) - 1))) for line in text.split("\n"))


def display_width(text: str) -> int:
    """Width in digits; a Chinese character is two of them wide."""
    return len(text.encode("gb18030", "replace"))


def print_layout(sheet: Worksheet, header_row: int | None, orientation: str) -> None:
    """A4, as wide as the page, the header on every page, numbered."""
    sheet.page_setup.orientation, sheet.page_setup.paperSize = orientation, sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 0, True
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top, sheet.page_margins.bottom, sheet.page_margins.footer = 0.5, 0.7, 0.3
    sheet.oddFooter.center.text = "第 &P 页，共 &N 页"
    if header_row:
        sheet.print_title_rows = f"{header_row}:{header_row}"


def _headline(sheet: Worksheet, title: str, header: Sequence[str], widths: Sequence[float]) -> int:
    put(sheet, 1, 1, title, HEADING, wrap=False)
    for number, (text, width) in enumerate(zip(header, widths, strict=True), start=1):
        cell = put(sheet, 2, number, text, HEADING)
        cell.fill, cell.border = OPTIONAL_FILL, GRID
        sheet.column_dimensions["AB"[number - 1]].width = width
    sheet.freeze_panes = "A3"
    return 3
