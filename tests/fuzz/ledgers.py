"""Ledgers that nothing is wrong with, as senders keep them: what stands in each cell, the value it means, and what becomes of it.

A `Row` knows its cells as written and the values that the warehouse must hold, both as they are now and as they would be right. Defects
(`defects.py`) change the former and say which rules are broken; nothing here or there asks the code under test.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

from duban.divisions import REFERENCE
from duban.settings import PROJECT
from tests.ledgers import LEDGERS, VOCABULARY, Column
from tests.oracle.cells import read_date, read_id_number, read_money, read_percent
from tests.oracle.columns import WORDS

PROBLEMS, FUNDS, PROJECTS, VISITS = "问题台账", "资金台账", "项目台账", "督导记录"
XLSX, XLS, UTF8, GB18030 = "xlsx", "xls", "utf-8", "gb18030"
WORKBOOKS, TEXTS = (XLSX, XLS), (UTF8, GB18030)
DISTRICT = "430902"
OFFICE_NAME = f"{DISTRICT}000"
STATUS = {"未整改": "open", "整改中": "in_progress", "整改到位": "rectified", "撤销": "void"}
# Ledgers whose random values are written by hand below. Every other one is fuzzed with its right row, which its first sender sends: wrong
# layouts and files are random there, wrong cells are not (tests/expectations/test_rules.py has one for each column).
BY_HAND = (PROBLEMS, FUNDS, PROJECTS, VISITS)
FUZZED = {title: LEDGERS[title] for title in (*BY_HAND, *sorted(LEDGERS.keys() - BY_HAND))}
MONEY = {title: tuple(column.title for column in ledger.of_type("money")) for title, ledger in FUZZED.items()}
PARTS = MONEY[PROJECTS][1:]
KEY = {title: ledger.key for title, ledger in FUZZED.items()}
KNOWN_COUNT = 30
FACTOR = {"元": Decimal(1), "万元": Decimal(10_000)}
EXPECTATIONS, SEEDS = PROJECT / "expectations", PROJECT / "dbt_project" / "seeds"


# ── cells as they are written ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Percentage:
    """A number cell formatted as a percentage; 45 is shown as 45%."""

    value: Decimal


@dataclass(frozen=True)
class Yuan:
    """An amount, written as a number in the unit of its column."""

    value: Decimal


@dataclass(frozen=True)
class DayNumber:
    """A day as a number cell without a date format, counted as the workbook counts its days."""

    day: date


@dataclass(frozen=True)
class Formula:
    """A formula with the result that stands beside it; None: it was never calculated."""

    text: str
    result: Decimal | None = None


@dataclass(frozen=True)
class Fault:
    """A cell that shows an error; in a CSV its text."""

    text: str


# ── senders ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Sender:
    """A registered unit."""

    code: str
    kind: str
    name: str = ""

    @property
    def district(self) -> str:
        """Code of its district."""
        return self.code[:6]

    @property
    def ledgers(self) -> tuple[str, ...]:
        """What it sends."""
        others = tuple(title for title, ledger in FUZZED.items() if title not in BY_HAND and ledger.units[0] == self.code)
        return ((VISITS,) if self.kind == "group" else (PROBLEMS, FUNDS, PROJECTS)) + others


TOWNSHIPS = (
    Sender("430902102", "township", "迎风桥镇"),
    Sender("430902104", "township", "沙头镇"),
    Sender("430902203", "township", "张家塞乡"),
)
OFFICE = Sender("430902000", "office")
GROUPS = (Sender("430902-D1", "group"), Sender("430902-D2", "group"))
NEIGHBOUR = Sender("430511101", "township", "陈家桥镇")
SENDERS = (*TOWNSHIPS, OFFICE, *GROUPS, NEIGHBOUR)


@cache
def villages(township: str) -> dict[str, str]:
    """Villages of a township: name → code, names with 村 for 村委会."""
    with open(REFERENCE / f"{township[:6]}.csv", encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["township_code"] == township]
    return {line["village_name"].replace("村委会", "村"): line["village_code"] for line in lines}


def known(ledger: str, township: str | None) -> list[str]:
    """Keys of problems and projects that were reported before; township None: they belong to none, but to the office."""
    return [f"已知{ledger[:1]}{township or OFFICE.code}-{number}" for number in range(KNOWN_COUNT)]


# ── rows, sheets, files ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Break:
    """A rule that a row breaks, the column that is told, and the columns that must be readable for that to be seen."""

    rule: str
    title: str
    needs: frozenset[str] = frozenset()

    @property
    def hides(self) -> bool:
        """True when the cell has no value, so that rules which need it cannot be judged."""
        return self.rule in {"R01", "R02", "R03", "R04", "R05", "R06", "R07", "R09", "R10", "R11"}


@dataclass(eq=False)
class Row:
    """A data row. `cells` and `values` by column title; `right` holds both as they are without the defects."""

    ledger: str
    cells: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    right: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)
    arranged: set[str] = field(default_factory=set)  # columns that a defect set so that the row is right and fits it
    spoiled: set[str] = field(default_factory=set)  # columns that a defect changed
    shown: dict[str, str | None] = field(default_factory=dict)  # column → what a message says of its cell, where it is not the cell's text
    is_whole: bool = True  # False: no further defect fits in
    is_hidden: bool = False
    copy_of: Row | None = None
    line: Callable[[str], str] | None = None  # what becomes of the row's line in a CSV
    surplus: str | None = None
    no: int = 0  # 1-based number, once written

    def set(self, title: str, cell: Any, value: Any = ...) -> None:
        """Fill a cell rightly; the value is the cell unless it is given."""
        value = cell if value is ... else value
        self.cells[title], self.values[title], self.right[title] = cell, value, (cell, value)

    def arrange(self, **cells: Any) -> None:
        """The same for a defect that needs the row to be of a kind: title=(cell, value) or title=cell."""
        for title, cell in cells.items():
            self.set(title, *cell) if isinstance(cell, tuple) else self.set(title, cell)
            self.arranged.add(title)

    def spoil(self, title: str, cell: Any, value: Any = None) -> None:
        """Change a cell; `value` is what it means now, None when it can no longer be read."""
        self.cells[title], self.values[title] = cell, value
        self.spoiled.add(title)

    def correct(self, title: str) -> None:
        """Put the right content back."""
        self.cells[title], self.values[title] = self.right[title]

    @property
    def told(self) -> list[Break]:
        """The broken rules that can be seen now."""
        blind = {entry.title for entry in self.breaks if entry.hides}
        if any(entry.rule == "R11" for entry in self.breaks):
            return [entry for entry in self.breaks if entry.rule == "R11"]
        return [
            entry for entry in self.breaks if not (entry.needs - {entry.title}) & blind and not (entry.title in blind and not entry.hides)
        ]

    @property
    def fen(self) -> int:
        """Money of the row in 分, as far as it can be read."""
        return sum(int(self.values[title] * 100) for title in MONEY.get(self.ledger, ()) if self.values.get(title) is not None)


@dataclass(eq=False)
class Line:
    """A line below the header that is no data: `word` makes it a total over the rows above it, else its cells stand as they are."""

    cells: dict[int, Any] = field(default_factory=dict)
    word: str = ""
    surplus: Decimal = Decimal(0)  # by how much the total is wrong
    repeats_header: bool = False
    is_data: bool = False  # counts as a data row (of a file that is sent back)

    @property
    def is_counted(self) -> bool:
        """False for a blank line."""
        return bool(self.cells or self.word or self.repeats_header)


@dataclass(eq=False)
class Sheet:
    """A ledger on a sheet. `headers`: column title → its spelling; columns of the sender's own are among `columns` too."""

    ledger: str
    columns: list[str]
    rows: list[Row]
    lines: list[Row | Line]
    name: str = ""
    unit: str = "万元"
    unit_stands: str = "header"  # header, above, nowhere
    headers: dict[str, str] = field(default_factory=dict)
    own: dict[str, Callable[[Row], Any]] = field(default_factory=dict)  # the sender's own columns
    above: list[dict[int, Any]] = field(default_factory=list)
    has_date: bool = False
    date_text: str = ""
    left: int = 0
    groups: dict[str, tuple[int, int]] = field(default_factory=dict)  # upper header: text over columns (first, last)
    merged: list[tuple[str, Row, Row]] = field(default_factory=list)
    header_no: int = 0  # 1-based number of the last header row, once written

    @property
    def title_of_key(self) -> str:
        """Title of the key column."""
        return KEY[self.ledger]

    @property
    def money(self) -> list[str]:
        """The money columns that it has."""
        return [title for title in MONEY.get(self.ledger, ()) if title in self.columns]

    def own_title(self, title: str) -> str:
        """Header of a column of the sender's own; the part after # only tells two of them apart."""
        return title.partition("#")[0]

    def position(self, title: str) -> int | None:
        """0-based column in the sheet."""
        return self.left + self.columns.index(title) if title in self.columns else None

    def header(self, title: str) -> str:
        """Text of a column's header."""
        text = self.headers.get(title, title)
        return f"{text}({self.unit})" if title in MONEY.get(self.ledger, ()) and self.unit_stands == "header" else text


@dataclass(eq=False)
class LedgerFile:
    """A file of one sender, and what is expected of it besides its rows."""

    number: int
    sender: Sender
    kind: str
    report_on: date
    sheets: list[Sheet]
    date_stands: str = "name"  # name, cell, both
    name_date: date | None = None
    extension: str = ""
    separator: str = ","
    mark: bytes = b""  # byte order mark
    encoding: str = ""
    line_end: str = "\r\n"
    uses_1904: bool = False
    hidden_sheets: list[tuple[str, list[list[Any]]]] = field(default_factory=list)
    mangle: Callable[[bytes], bytes] | None = None
    faults: list[tuple[str, str | None, str | None]] = field(
        default_factory=list
    )  # rule, column, and "header" or "date" where a cell is told
    is_read: bool = True  # False: no table can be found
    findings: set[str] = field(default_factory=set)
    defects: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """File name."""
        day = self.name_date or (self.report_on if self.date_stands in {"name", "both"} else None)
        stated = f"{day:%Y%m%d}" if day else ""
        return f"F{self.number:05d}-{'、'.join(sheet.ledger for sheet in self.sheets)}{stated}.{self.extension or self._usual_extension}"

    @property
    def _usual_extension(self) -> str:
        return self.kind if self.kind in WORKBOOKS else "csv"

    @property
    def rows(self) -> Iterator[Row]:
        """Data rows of all sheets."""
        return (row for sheet in self.sheets for row in sheet.rows)

    def sheet_of(self, row: Row) -> Sheet:
        """The sheet that a row stands in."""
        return next(sheet for sheet in self.sheets if row in sheet.rows)


# ── making them ──────────────────────────────────────────────────────────────────────────────────────────────────────


def clean_file(rng: Random, number: int, sender: Sender, kind: str, first_ledger: str | None = None) -> LedgerFile:
    """A file of four to seven rows per ledger; workbooks now and then hold two."""
    first = first_ledger or rng.choice(sender.ledgers)
    ledgers = [first]
    if kind in WORKBOOKS and sender.kind != "group" and rng.random() < 0.2:
        ledgers.append(rng.choice([ledger for ledger in sender.ledgers if ledger != first]))
    report_on = date(2020, 6, rng.choice((24, 26, 28)))
    sheets = [_sheet(rng, number, sender, ledger, kind) for ledger in ledgers]
    file = LedgerFile(number, sender, kind, report_on, sheets, date_stands=rng.choice(("name", "cell", "both")))
    for sheet in sheets:
        sheet.has_date = file.date_stands != "name"
        sheet.date_text = f"{report_on.year}年{report_on.month}月{report_on.day}日"
    return file


def _sheet(rng: Random, number: int, sender: Sender, ledger: str, kind: str) -> Sheet:
    make = {PROBLEMS: _problem, FUNDS: _movement, PROJECTS: _project, VISITS: _visit}.get(ledger, _right_row)
    rows = []
    for place in range(rng.randint(4, 7)):
        row = Row(ledger)
        for title in FUZZED[ledger].titles:
            row.set(title, None)
        row.set(KEY[ledger], f"{ledger[:1]}{number:05d}-{place + 1}")
        make(rng, row, sender)
        if kind in WORKBOOKS:
            _as_text(rng, row)
        rows.append(row)
    sheet = Sheet(ledger, list(FUZZED[ledger].titles), rows, list(rows), name=ledger, unit=rng.choice(("元", "万元")))
    sheet.unit_stands = rng.choice(("header", "header", "above"))
    return sheet


def _as_text(rng: Random, row: Row) -> None:
    """Some dates and numbers of a workbook are written as text."""
    for title, cell in list(row.cells.items()):
        if rng.random() < 0.3 and isinstance(cell, date):
            row.set(title, cell.isoformat(), row.values[title])


def _problem(rng: Random, row: Row, sender: Sender) -> None:
    found_on = date(2020, 4, 3) + timedelta(days=rng.randint(0, 40))
    township = _set_place(rng, row, sender, department_share=0.3)
    if township is None:
        row.set("行业部门", "住建局")
    if rng.random() < 0.5:
        row.set("户主姓名", rng.choice(("王小明", "李和平", "欧阳春花")))
        row.set("证件号码", id_number(rng))
    row.set("问题来源", rng.choice(list(WORDS["问题来源"])))
    row.set("反馈批次", rng.choice((None, "第一批")))
    row.set("发现日期", found_on)
    row.set("问题类别", rng.choice(list(WORDS["问题类别"])))
    row.set("问题描述", rng.choice(("屋顶漏雨未修", "饮水管道渗漏，“冬季”断水", "一户一档资料不全")))
    row.set("责任领导", rng.choice(("张三", "李和平", "欧阳修")))
    row.set("整改时限", found_on + timedelta(days=rng.randint(10, 40)))
    status = rng.choice(("未整改", "整改中", "整改到位"))
    row.set("整改状态", status, STATUS[status])
    if status != "未整改":
        row.set("整改措施", "逐户走访，限期修缮")
    if status == "整改到位":
        row.set("完成日期", found_on + timedelta(days=rng.randint(3, 20)))
        row.set("印证资料", "照片、验收单")
    row.set("备注", _remark(rng))


def _movement(rng: Random, row: Row, sender: Sender) -> None:
    _set_place(rng, row, sender, department_share=0.5)
    row.set("资金年度", *rng.choice(((None, None), ("2020", 2020), (Decimal(2020), 2020))))
    row.set("资金层级", rng.choice(("中央", "省级", "市级", "区级", "其他")))
    row.set("资金名称", rng.choice((None, "产业发展资金")))
    if sender.kind == "office":
        row.set("环节", rng.choice(("下达", "分配", "收回")))
        row.set("资金文号", "资财农〔2020〕5号")
    else:
        row.set("环节", rng.choice(("拨付", "支出")))
        row.set("项目编号", f"XM-{rng.randint(1, 9)}")
    set_money(row, "金额", _yuan(rng))
    row.set("发生日期", date(2020, 4, 3) + timedelta(days=rng.randint(0, 60)))
    row.set("备注", _remark(rng))


def _project(rng: Random, row: Row, sender: Sender) -> None:
    _set_place(rng, row, sender, department_share=0.2)
    row.set("项目名称", rng.choice(("机耕路硬化", "安全饮水巩固提升", "村级光伏电站")))
    row.set("项目类别", rng.choice(list(WORDS["项目类别"])))
    row.set("建设性质", rng.choice((None, "新建")))
    row.set("建设内容", "硬化 1.2 公里")
    row.set("责任单位", rng.choice((None, "镇扶贫站")))
    if rng.random() < 0.5:
        parts = [_yuan(rng) for _ in PARTS]
        for title, part in zip(PARTS, parts, strict=True):
            set_money(row, title, part)
        set_money(row, "计划总投资", sum(parts, Decimal(0)))
    else:
        set_money(row, "计划总投资", _yuan(rng))
    row.set("计划开工日期", date(2020, 3, 1) + timedelta(days=rng.randint(0, 20)))
    row.set("计划完工日期", date(2020, 5, 1) + timedelta(days=rng.randint(0, 200)))
    begun = rng.randint(0, 3)
    for title, day in list(
        zip(("实际开工日期", "实际完工日期", "验收日期"), (date(2020, 3, 20), date(2020, 5, 9), date(2020, 6, 2)), strict=True)
    )[:begun]:
        row.set(title, day)
    row.set("形象进度(%)", *rng.choice((("45%", Decimal(45)), (Decimal(60), Decimal(60)), (None, None))))
    row.set("受益户数", *rng.choice(((Decimal(12), 12), ("35", 35), (None, None))))
    row.set("备注", _remark(rng))


def _visit(rng: Random, row: Row, sender: Sender) -> None:
    township = rng.choice(TOWNSHIPS)
    row.set("督导日期", date(2020, 6, 1) + timedelta(days=rng.randint(0, 20)))
    verdict = rng.choice(("属实", "退回", "反弹", "新发现", "已巡查"))
    row.set("核查结论", verdict)
    if verdict in {"属实", "退回", "反弹"}:
        is_of_township = rng.random() < 0.8
        row.set("问题编号", rng.choice(known(PROBLEMS, township.code if is_of_township else None)))
        if is_of_township:
            row.set("乡镇", township.name, township.code)
    else:
        row.set("乡镇", township.name, township.code)
        village, code = rng.choice(sorted(villages(township.code).items()))
        row.set("村(社区)", village, code)
    row.set("情况说明", rng.choice((None, "现场查看，情况属实")))
    row.set("督导人员", "周督导、吴督导")
    row.set("备注", _remark(rng))


def _right_row(rng: Random, row: Row, sender: Sender) -> None:
    """The right row of the registry; what its cells mean, the oracle says."""
    cells = FUZZED[row.ledger].row_of(sender.code)
    for column in FUZZED[row.ledger].columns:
        if text := cells.get(column.title):
            row.set(column.title, *_meant(column, text, sender))
    for column in FUZZED[row.ledger].of_type("township"):
        if not row.cells[column.title]:
            row.values[column.title] = sender.code


def _meant(column: Column, text: str, sender: Sender) -> tuple[Any, Any]:
    """A cell of a text, and its value."""
    match column.type:
        case "money":
            yuan = read_money(text, "元")
            return Yuan(yuan), yuan
        case "date":
            return text, read_date(text, date(2020, 6, 24))
        case "month":
            return text, date.fromisoformat(f"{text}-01")
        case "number":
            return text, Decimal(text)
        case "percent":
            return text, read_percent(text)
        case "count" | "year":
            return text, int(text)
        case "vocabulary":
            return text, _stored(column.vocabulary)[text]
        case "township":
            return text, next(one.code for one in TOWNSHIPS if one.name == text)
        case "village" | "villages":
            code = villages(sender.code if sender.kind == "township" else TOWNSHIPS[0].code)[text]
            return text, code if column.type == "village" else (code,)
        case _:
            return text, text


@cache
def _stored(vocabulary: str) -> dict[str, str]:
    """What is stored of the words of a code list."""
    with open(VOCABULARY, encoding="utf-8", newline="") as file:
        return {line["accepted"]: line["stored"] for line in csv.DictReader(file) if line["vocabulary"] == vocabulary}


def _set_place(rng: Random, row: Row, sender: Sender, department_share: float) -> str | None:
    """Township and village of a row; None for an office row that names none."""
    if sender.kind == "office" and rng.random() < department_share:
        return None
    township = sender if sender.kind == "township" else rng.choice(TOWNSHIPS)
    row.set("乡镇", *((township.name, township.code) if sender.kind == "office" or rng.random() < 0.5 else (None, township.code)))
    if rng.random() < 0.7:
        village, code = rng.choice(sorted(villages(township.code).items()))
        row.set(
            "村(社区)",
            rng.choice((village, village.replace("村", "村委会") if village.endswith("村") else village)),
            code if row.ledger == PROBLEMS else (code,),
        )
    return township.code


def set_money(row: Row, title: str, yuan: Decimal) -> None:
    """Fill a cell of money."""
    row.set(title, Yuan(yuan), yuan)


def _yuan(rng: Random) -> Decimal:
    return Decimal(rng.randint(1, 10 ** rng.randint(3, 10))).scaleb(-2)


def _remark(rng: Random) -> str | None:
    return rng.choice((None, None, "已核实", "第一行\n第二行", "甲、乙,丙;丁"))


def id_number(rng: Random) -> str:
    """An identity number of nobody, with a right check digit."""
    body = f"430902{rng.randint(1950, 2000)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(0, 999):03}"
    for digit in "0123456789X":
        try:
            return read_id_number(body + digit)
        except ValueError:
            continue
    raise AssertionError("one of eleven digits is right")
