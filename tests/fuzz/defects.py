"""The catalogue of defects: what a clerk, a program or a disk does to a right file, and what must become of it.

Every defect says which cells it changes, and by hand either the rule that must send the cell back or the value that must be taken from it.
Constants lie where they break nothing else: problems of `ledgers.py` are found between 3 April and 13 May and due 10 to 40 days later.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.fuzz.ledgers import (
    BY_HAND,
    DISTRICT,
    FACTOR,
    FUNDS,
    FUZZED,
    GROUPS,
    KEY,
    MONEY,
    PARTS,
    PROBLEMS,
    PROJECTS,
    SENDERS,
    TEXTS,
    TOWNSHIPS,
    UTF8,
    VISITS,
    WORKBOOKS,
    XLS,
    XLSX,
    Break,
    DayNumber,
    Fault,
    Formula,
    LedgerFile,
    Line,
    Percentage,
    Row,
    Sender,
    Sheet,
    Yuan,
    clean_file,
    known,
    villages,
)

KINDS = (*WORKBOOKS, *TEXTS)
LEDGERS = tuple(FUZZED)
Spot = tuple[LedgerFile, Sheet, Row]


@dataclass(frozen=True)
class Defect:
    """One entry: where it can happen, and `spoil`, which changes a file (of a row defect: a row of it)."""

    name: str
    spoil: Callable[..., None]
    ledgers: tuple[str, ...] = LEDGERS
    kinds: tuple[str, ...] = KINDS
    senders: tuple[str, ...] = ("township", "office", "group")
    only: Callable[[LedgerFile], bool] | None = None
    scope: str = "cell"  # cell: shares its row with others; row: wants a row for itself; sheet; file: a file rule, at most one
    title: str = ""  # of a defect of a cell: its column
    rule: str = ""  # and the rule that sends it back, with the columns that must be readable for that
    needs: frozenset[str] = frozenset()

    def fits(self, file: LedgerFile) -> bool:
        """True when the file can have it."""
        return (
            file.kind in self.kinds
            and file.sender.kind in self.senders
            and any(sheet.ledger in self.ledgers for sheet in file.sheets)
            and (self.only is None or self.only(file))
        )


CATALOGUE: list[Defect] = []


def _add(defect: Defect) -> None:
    assert all(other.name != defect.name for other in CATALOGUE), defect.name
    CATALOGUE.append(defect)


def _ledgers_with(title: str) -> tuple[str, ...]:
    return tuple(ledger for ledger in BY_HAND if title in FUZZED[ledger].titles)


def _given(what: Any, spot: Spot) -> Any:
    return what(*spot) if callable(what) else what


def taken(name: str, title: str, cell: Any, value: Any, *, first: Any = None, ledgers: Collection[str] = (), **where: Any) -> None:
    """A cell that is odd and right: `value` is what must be stored. What is callable gets file, sheet and row."""

    def spoil(file: LedgerFile, sheet: Sheet, row: Row, rng: Random) -> None:
        spot = (file, sheet, row)
        row.arrange(**(_given(first, spot) or {}))
        row.spoil(title, _given(cell, spot), _given(value, spot))
        row.right[title] = (row.cells[title], row.values[title])

    _add(Defect(name, spoil, tuple(ledgers) or _ledgers_with(title), title=title, **where))


def returned(
    name: str,
    title: str,
    cell: Any,
    rule: str,
    *,
    needs: Collection[str] = (),
    first: Any = None,
    value: Any = None,
    shown: str | None = None,
    ledgers: Collection[str] = (),
    **where: Any,
) -> None:
    """A cell for which its row must be sent back by `rule`, as far as `needs` can be read.

    `first` makes the row one that the rule speaks of.
    `value` is what the cell means nevertheless; `shown` is what a message must say of it, where that is not its text.
    """

    def spoil(file: LedgerFile, sheet: Sheet, row: Row, rng: Random) -> None:
        spot = (file, sheet, row)
        row.arrange(**(_given(first, spot) or {}))
        row.spoil(title, _given(cell, spot), _given(value, spot))
        row.breaks.append(Break(rule, title, frozenset(needs)))
        if shown is not None:
            row.shown[title] = shown

    _add(Defect(name, spoil, tuple(ledgers) or _ledgers_with(title), title=title, rule=rule, needs=frozenset(needs), **where))


def _wide(text: str) -> str:
    """ASCII in full width."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


# ── free text and names ──────────────────────────────────────────────────────────────────────────────────────────────

RARE = "𬇙𬭚䶮㛃茈"
taken("emoji in a text", "备注", "已联系😀👍", "已联系😀👍")
taken("rare characters in a text", "备注", RARE, RARE)
taken("compatibility characters stay in a text", "备注", "①㎡㈠／ｗｘ", "①㎡㈠／ｗｘ")
taken("ideographic and no-break space around a text", "备注", "\u3000已核实\u00a0", "已核实")
taken("zero-width space within a text", "备注", "已\u200b核实", "已\u200b核实")
taken("a text like a formula", "备注", "=1+1", "=1+1")
taken("a text like a function", "备注", "@SUM(A1:A9)", "@SUM(A1:A9)")
taken("a text like a minus", "备注", "-1+1", "-1+1")
taken("quotes, separators and line breaks in a text", "备注", '甲"乙",丙;\n"丁"', '甲"乙",丙;\n"丁"')
taken("a sign for nothing in a text", "备注", "——", None)
taken("a slash for nothing in a text", "备注", " / ", None)
taken("a telephone number in a text", "备注", "电话13812345678", "电话138****5678")
taken("an identity number in a text", "备注", "号码430902196503121234。", "号码4309**********1234。")
taken("a text like an escape of a workbook", "备注", "见_x0041_", "见_x0041_", kinds=(XLS, *TEXTS))
taken("a number as a text", "备注", Decimal("12.5"), "12.5")
taken("a truth as a text", "备注", True, "TRUE", kinds=WORKBOOKS)
taken("a day as a text", "备注", date(2020, 4, 2), "2020-04-02")
taken("a text of 4,000 characters", "备注", "长" * 4000, "长" * 4000)
taken("a control character in a text", "备注", "停\x07止", "停止", kinds=TEXTS)
taken("a calculated formula", "备注", Formula("=3*4", Decimal(12)), "12", kinds=(XLSX,))
returned("a text of 4,001 characters", "备注", "长" * 4001, "R10", shown="长" * 200)
returned("private use in a text", "备注", "见\ue000村", "R10")
returned("a replacement character in a text", "备注", "见\ufffd村", "R10")
returned("no character in a text", "备注", "见\ufffe村", "R10", kinds=(UTF8,))
returned("a formula error in a text", "备注", Fault("#REF!"), "R09")
returned("the word of a formula error in a text", "备注", "#N/A", "R09")
returned("a formula that nobody calculated", "备注", Formula("=A1&B1"), "R09", kinds=(XLSX,))
returned("a formula that nobody calculated in an old workbook", "备注", Formula("=1+1"), "R09", kinds=(XLS,))

taken("rare characters in a person's name", "责任领导", RARE[-3:], RARE[-3:])
taken("a person's name with a space", "责任领导", "张 三", "张 三")
taken("a person named with 和", "责任领导", "李和平", "李和平")
taken("a person and the office in brackets", "责任领导", "张三（副镇长、分管）", "张三（副镇长、分管）")
taken("a holder with a character beyond the basic plane", "户主姓名", "王𬇙", "王𬇙", first={"证件号码": "43090219650312104X"})
returned("a question mark in a person's name", "责任领导", "李?明", "R10")
returned("a wide question mark in a person's name", "责任领导", "李？明", "R10")
returned("a question mark in the holder's name", "户主姓名", "李?明", "R10", shown="李**")
returned("private use in the holder's name", "户主姓名", "王\ue123", "R10", shown="王*")
returned("emoji in a person's name", "责任领导", "张三😀", "R10")
returned("a holder's name of 65 characters", "户主姓名", "长" * 65, "R10", shown="长" + "*" * 64)
returned("a project's name of 65 characters", "项目名称", "路" * 65, "R10")
returned("a replacement character in a project's name", "项目名称", "通\ufffd公路", "R10")
returned("nobody responsible", "责任领导", None, "R01")
returned("a sign for nobody", "责任领导", "无", "R01")
returned("no name of a project", "项目名称", "—", "R01")
returned("two persons by a mark", "责任领导", "张三、李四", "P08", value="张三、李四")
returned("two persons by a word", "责任领导", "欧阳修及司马光", "P08", value="欧阳修及司马光")
returned("two persons by a space", "责任领导", "张三丰 李四光", "P08", value="张三丰 李四光")
returned("no visitors", "督导人员", "  ", "R01", kinds=WORKBOOKS)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _key(file: LedgerFile, sheet: Sheet, row: Row) -> str:
    return str(row.cells[KEY[sheet.ledger]])


def _digits(file: LedgerFile, sheet: Sheet, row: Row) -> str:
    return f"9{file.number:05d}{LEDGERS.index(sheet.ledger)}{sheet.rows.index(row)}"


for _ledger, _title in KEY.items():
    taken(
        f"{_ledger}: invisible characters in a key",
        _title,
        lambda *spot: f"\u200b{_key(*spot)[:3]}\u00a0{_key(*spot)[3:]}\ufeff",
        _key,
        ledgers=[_ledger],
    )
    taken(f"{_ledger}: a key in full width", _title, lambda *spot: _wide(_key(*spot)), _key, ledgers=[_ledger])
    taken(f"{_ledger}: a number as a key", _title, lambda *spot: Decimal(_digits(*spot)), _digits, ledgers=[_ledger])
    taken(f"{_ledger}: a key with .0", _title, lambda *spot: f"{_digits(*spot)}.0", _digits, ledgers=[_ledger])
    taken(
        f"{_ledger}: a key with leading zeros",
        _title,
        lambda *spot: f"00{_digits(*spot)}",
        lambda *spot: f"00{_digits(*spot)}",
        ledgers=[_ledger],
    )
    returned(f"{_ledger}: no key", _title, None, "R01", ledgers=[_ledger])
    returned(f"{_ledger}: a key of 65 characters", _title, "K" * 65, "R10", ledgers=[_ledger])
    returned(f"{_ledger}: a key with a letter of another script", _title, lambda *spot: "А" + _key(*spot), "R10", ledgers=[_ledger])
    returned(f"{_ledger}: a key with a lost character", _title, lambda *spot: _key(*spot) + "\ufffd", "R10", ledgers=[_ledger])
returned("a number of 19 digits as a key", "问题编号", 2**60, "R10", shown="1152***********0000", ledgers=[PROBLEMS], kinds=(XLSX,))
returned("an error as a key", "流水号", Fault("#VALUE!"), "R09", ledgers=[FUNDS])


def _same_key(file: LedgerFile, sheet: Sheet, row: Row, rng: Random) -> None:
    """A row takes the key of another one that says something else: both go back."""
    other = rng.choice([one for one in sheet.rows if one is not row and one.is_whole and not one.spoiled])
    title = KEY[sheet.ledger]
    other.set("备注", f"{other.cells[title]}的备注")
    row.spoil(title, other.cells[title], other.values[title])
    for one in (row, other):
        one.breaks.append(Break("R08", title))
        one.is_whole = False


def _copy(file: LedgerFile, sheet: Sheet, row: Row, rng: Random) -> None:
    """A row stands twice, the second time with another spelling of the same values: it counts once."""
    twin = copy.deepcopy(row)
    twin.copy_of = row
    row.is_whole = twin.is_whole = False
    for title, cell in twin.cells.items():
        if isinstance(cell, date):
            twin.cells[title] = f"{cell.year}年{cell.month}月{cell.day}日"
    sheet.rows.insert(sheet.rows.index(row) + 1, twin)
    sheet.lines.insert(sheet.lines.index(row) + 1, twin)
    file.findings.add("W08")


_add(Defect("one key, two contents", _same_key, scope="row"))
_add(Defect("a row that stands twice", _copy, scope="row"))

# ── identity numbers ─────────────────────────────────────────────────────────────────────────────────────────────────

_X = "43090219650312104X"
taken("an identity number with a small x", "证件号码", _X.lower(), _X)
taken("an identity number in full width", "证件号码", _wide(_X), _X)
taken("an identity number with spaces and an apostrophe", "证件号码", f"'{_X[:6]} {_X[6:14]}\u00a0{_X[14:]}", _X)
returned("an identity number with a wrong check digit", "证件号码", "430902196503121230", "R07", shown="4309**********1230")
returned("an identity number of 15 digits", "证件号码", "430902650312123", "R07", shown="4309*******2123")
returned("an identity number of 17 digits", "证件号码", "43090219650312104", "R07", shown="4309*********2104")
returned("an identity number as a number", "证件号码", Decimal("430902196503121200"), "R07", kinds=(XLS,), shown="4309**********1000")
returned("an identity number as a number of a workbook", "证件号码", 430902196503121234, "R07", kinds=(XLSX,), shown="4309**********1000")
returned("a word for an identity number", "证件号码", "不详", "R07")

# ── code words ───────────────────────────────────────────────────────────────────────────────────────────────────────

_RECTIFIED = {"完成日期": date(2020, 6, 1), "整改措施": "逐户走访", "印证资料": "照片"}
taken("spaces within a code word", "问题来源", "第一轮\u3000 排查", "第一轮排查")
taken("zero-width characters within a code word", "问题类别", "\ufeff住房\u200b安全", "住房安全")
taken("another word for rectified", "整改状态", "已销号", "rectified", first=_RECTIFIED)
taken("yes for rectified", "整改状态", "是", "rectified", first=_RECTIFIED)
taken("another word for in progress", "整改状态", "推进中", "in_progress", first={"整改措施": "逐户走访", "完成日期": None})
taken("no for open", "整改状态", "否", "open", first={"完成日期": None})
taken("a short word for a tier", "资金层级", "省", "省级")
taken("another word for a stage", "环节", "报账", "支出", first={"项目编号": "XM-1"}, senders=("township",), ledgers=[FUNDS])
taken("another word for received", "环节", "到账", "下达", senders=("office",), ledgers=[FUNDS], first={"资金文号": "1号"})
returned("an unknown source", "问题来源", "第1轮排查", "R04")
returned("an unknown category", "问题类别", "住房问题", "R04")
returned("an unknown status", "整改状态", "办结", "R04")
returned("a tick for a status", "整改状态", "√", "R04")
returned("a number for a status", "整改状态", Decimal(1), "R04")
returned("no status", "整改状态", None, "R01")
returned("an unknown tier", "资金层级", "中央级", "R04")
returned("an unknown stage", "环节", "划拨", "R04")
returned("no stage", "环节", "/", "R01")
returned("an unknown kind of project", "项目类别", "农业", "R04")
returned("an error for a kind of project", "项目类别", Fault("#N/A"), "R09")
returned("an unknown verdict", "核查结论", "情况属实", "R04")
returned("no verdict", "核查结论", "无", "R01")

# ── days ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_DAY = date(2020, 4, 2)
for _name, _title in {"a problem": "发现日期", "a movement": "发生日期", "a visit": "督导日期"}.items():
    taken(f"{_name}: a day in full width", _title, "２０２０－４－２", _DAY)
    taken(f"{_name}: a day with points", _title, "2020.4.2", _DAY)
    taken(f"{_name}: a day with slashes and a time", _title, "2020/4/2 08:30", _DAY)
    taken(f"{_name}: a day of eight digits", _title, "20200402", _DAY)
    taken(f"{_name}: a day in Chinese", _title, "\u00a02020年4月2日", _DAY)
    taken(f"{_name}: a day in Chinese numerals", _title, "二〇二〇年四月二日", _DAY)
    taken(f"{_name}: a day without a year", _title, "4月2日", _DAY)
    returned(f"{_name}: a month", _title, "2020年4月", "R02")
    returned(f"{_name}: no day at all", _title, None, "R01")
taken("a day number", "发现日期", DayNumber(_DAY), _DAY, kinds=WORKBOOKS)
taken("a day with a time", "发现日期", datetime(2020, 4, 2, 8, 30), _DAY, kinds=WORKBOOKS)
taken("eight digits as a number", "发生日期", Decimal(20200402), _DAY)
taken("a due day five years ahead", "整改时限", "2025-12-31", date(2025, 12, 31))
returned("a month as a number", "发现日期", Decimal("2020.6"), "R02")
returned("a part of a month", "发现日期", "6月中旬", "R02")
returned("a day that does not exist", "发现日期", "2020-02-30", "R02")
returned("a day before all campaigns", "发现日期", "2013-12-31", "R02")
returned("a due day six years ahead", "整改时限", "2026-01-01", "R02")
returned("a word for a due day", "整改时限", "月底前", "R02")
returned("mixed marks in a day", "整改时限", "2020-6/4", "R02")
returned("a small number for a day", "发生日期", Decimal(12), "R02")
returned("a time of day for a day", "督导日期", time(8, 30), "R02", kinds=(XLSX,), shown="08:30:00")
returned("a truth for a day", "督导日期", True, "R02", kinds=WORKBOOKS)
returned("an error for a day", "督导日期", Fault("#NAME?"), "R09")
returned("a day of another reckoning", "计划开工日期", "农历二月初二", "R02")
returned("two days in a cell", "计划完工日期", "2020-05-01至2020-06-01", "R02")

# ── amounts, percentages, counts, years ──────────────────────────────────────────────────────────────────────────────


def _in_yuan(amount: str) -> Callable[..., Decimal]:
    return lambda file, sheet, row: Decimal(amount) * FACTOR[sheet.unit]


_NO_PARTS = dict.fromkeys(PARTS)
for _title, _ledger, _first in (("金额", FUNDS, None), ("计划总投资", PROJECTS, _NO_PARTS)):
    _common = {"first": _first, "ledgers": [_ledger]}
    taken(f"{_title}: full-width digits", _title, "１２．５", _in_yuan("12.5"), **_common)
    taken(f"{_title}: thousands", _title, "1,234.50", _in_yuan("1234.5"), **_common)
    taken(f"{_title}: a currency sign", _title, " ￥12.50 ", _in_yuan("12.5"), **_common)
    taken(f"{_title}: its own unit", _title, lambda file, sheet, row: f"12.5{sheet.unit}", _in_yuan("12.5"), **_common)
    taken(f"{_title}: a number as a text", _title, "12.50", _in_yuan("12.5"), **_common)
    taken(f"{_title}: binary noise", _title, 0.1 + 0.2, _in_yuan("0.3"), kinds=WORKBOOKS, **_common)
    taken(f"{_title}: more binary noise", _title, 1.1 * 3, _in_yuan("3.3"), kinds=WORKBOOKS, **_common)
    taken(f"{_title}: a calculated amount", _title, Formula("=5+7.5", Decimal("12.5")), _in_yuan("12.5"), kinds=(XLSX,), **_common)
    returned(f"{_title}: a unit in the cell", _title, "1.2万", "R03", **_common)
    returned(
        f"{_title}: the other unit", _title, lambda file, sheet, row: "12" + ("元" if sheet.unit == "万元" else "万元"), "R03", **_common
    )
    returned(f"{_title}: about", _title, "约300", "R03", **_common)
    returned(f"{_title}: from to", _title, "10-12", "R03", **_common)
    returned(f"{_title}: a fraction of a fen", _title, "0.0000001", "R03", **_common)
    returned(f"{_title}: a fraction of a fen as a number", _title, Decimal("0.0000001"), "R03", kinds=WORKBOOKS, **_common)
    returned(f"{_title}: thousands in the wrong place", _title, "12,34", "R03", **_common)
    returned(f"{_title}: beyond belief", _title, "1000000000000", "R03", **_common)
    returned(f"{_title}: a day", _title, date(2020, 4, 2), "R03", **_common)
    returned(f"{_title}: nothing", _title, "——", "R01", **_common)
    returned(f"{_title}: an error", _title, Fault("#DIV/0!"), "R09", **_common)
    returned(f"{_title}: never calculated", _title, Formula("=5+7.5"), "R09", kinds=WORKBOOKS, **_common)
returned("an amount of nothing", "金额", Decimal(0), "F01", needs=["金额"], value=Decimal(0))
returned("an amount in brackets", "金额", "（500）", "F01", needs=["金额"], value=_in_yuan("-500"))
returned("an investment of nothing", "计划总投资", "0.00", "J06", needs=["计划总投资"], value=Decimal(0), first=_NO_PARTS)
returned("a negative investment", "计划总投资", Decimal(-3), "J06", needs=["计划总投资"], value=_in_yuan("-3"), first=_NO_PARTS)

_PROGRESS = "形象进度(%)"
taken("a percentage in full width", _PROGRESS, "４５％", Decimal(45))
taken("half a percent", _PROGRESS, "0.5%", Decimal("0.5"))
taken("a number formatted as a percentage", _PROGRESS, Percentage(Decimal(45)), Decimal(45), kinds=WORKBOOKS)
taken("one formatted as a percentage", _PROGRESS, Percentage(Decimal(100)), Decimal(100), kinds=WORKBOOKS)
returned("a bare fraction for a percentage", _PROGRESS, Decimal("0.45"), "R03")
returned("a one for a percentage", _PROGRESS, "1", "R03")
returned("a word for a percentage", _PROGRESS, "四成", "R03")
returned("a percentage beyond 100", _PROGRESS, Decimal(120), "J03", needs=[_PROGRESS], value=Decimal(120))
returned(
    "a formatted percentage beyond 100", _PROGRESS, Percentage(Decimal(120)), "J03", needs=[_PROGRESS], value=Decimal(120), kinds=WORKBOOKS
)
returned("a negative percentage", _PROGRESS, "-1%", "J03", needs=[_PROGRESS], value=Decimal(-1))
taken("a count in full width", "受益户数", "１２", 12)
taken("a sign for no count", "受益人数", "/", None)
returned("a count with its unit", "受益户数", "12户", "R03")
returned("a broken count", "受益人数", Decimal("1.5"), "R03")
returned("a word for a count", "受益人数", "十二", "R03")
taken("a year with its unit", "资金年度", "2020年", 2020)
taken("no year", "资金年度", "-", None)
returned("a year in numerals", "资金年度", "二〇二〇", "R03")
returned("a year before all funds", "资金年度", Decimal(2013), "R03")

# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _own(file: LedgerFile, sheet: Sheet, row: Row) -> list[tuple[str, str]]:
    """Villages of the row's township, whose names end in 村."""
    return [(name, code) for name, code in villages(row.values["乡镇"]).items() if name.endswith("村")]


def _code(village: str, ledger: str) -> Any:
    return village if ledger in {PROBLEMS, VISITS} else (village,)


def _has_township(file: LedgerFile, sheet: Sheet, row: Row) -> dict[str, Any]:
    """An office row that names a township; a visit that needs no problem."""
    named = {"乡镇": (TOWNSHIPS[0].name, TOWNSHIPS[0].code)} if row.values["乡镇"] is None else {}
    return named | ({"核查结论": "已巡查", "问题编号": None} if sheet.ledger == VISITS else {})


_in_district = {"only": lambda file: file.sender.district == DISTRICT}
taken(
    "a village with its committee",
    "村(社区)",
    lambda *s: _own(*s)[0][0].removesuffix("村") + "村民委员会",
    lambda *s: _code(_own(*s)[0][1], s[1].ledger),
    first=_has_township,
)
taken(
    "spaces in the name of a village",
    "村(社区)",
    lambda *s: "\u3000".join(_own(*s)[0][0]),
    lambda *s: _code(_own(*s)[0][1], s[1].ledger),
    first=_has_township,
)
taken(
    "several villages",
    "村(社区)",
    lambda *s: "、".join(name for name, _ in _own(*s)[:2]),
    lambda *s: tuple(code for _, code in _own(*s)[:2]),
    first=_has_township,
    ledgers=[FUNDS, PROJECTS],
)
taken("the whole township", "村(社区)", "全镇", (), first=_has_township, ledgers=[FUNDS, PROJECTS])
taken(
    "the name of the township with a no-break space",
    "乡镇",
    lambda file, sheet, row: f"{file.sender.name}\u00a0",
    lambda file, sheet, row: file.sender.code,
    senders=("township",),
)
returned("a village of nobody", "村(社区)", "张三家", "R05", needs=["乡镇"], first=_has_township)
returned(
    "a village of another township",
    "村(社区)",
    "金垅村",
    "R05",
    needs=["乡镇"],
    only=lambda file: file.sender.code in {"430902102", "430902104"},
)
returned(
    "one of several villages is nobody's",
    "村(社区)",
    lambda *s: f"{_own(*s)[0][0]}、张三家",
    "R05",
    needs=["乡镇"],
    first=_has_township,
    ledgers=[FUNDS, PROJECTS],
)
returned("a village with a lost character", "村(社区)", "迎\ufffd桥村", "R10", ledgers=[PROBLEMS, VISITS])
returned("another township", "乡镇", "茈湖口镇", "R06", senders=("township",))
returned("a township of nobody", "乡镇", "桃花镇", "R04", senders=("office", "group"))
returned("a township nearly right", "乡镇", "迎风桥", "R04", senders=("office", "group"))


def _village_alone(file: LedgerFile, sheet: Sheet, row: Row, rng: Random) -> None:
    """The office names a village and no township: only one township has the village."""
    name, code = rng.choice(sorted(villages("430902203").items()))
    row.arrange(乡镇=(None, "430902203"))
    row.spoil("村(社区)", name, _code(code, sheet.ledger))
    row.right["村(社区)"] = (name, row.values["村(社区)"])


_add(Defect("a village without its township", _village_alone, (PROBLEMS, PROJECTS), senders=("office",)))

# ── problems ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_DONE = {"整改状态": ("整改到位", "rectified"), **_RECTIFIED}
_DOING = {"整改状态": ("整改中", "in_progress"), "整改措施": "逐户走访", "完成日期": None}
_OPEN = {"整改状态": ("未整改", "open"), "完成日期": None, "整改时限": date(2020, 7, 31)}


def _day_after(file: LedgerFile, *_: Any) -> date:
    return file.report_on + timedelta(days=1)


returned("due before it was found", "整改时限", date(2020, 4, 1), "P01", needs=["整改时限", "发现日期"], value=date(2020, 4, 1))
returned("rectified without a day", "完成日期", None, "P02", needs=["整改状态", "完成日期"], first=_DONE)
returned("rectified without measures", "整改措施", "/", "P03", needs=["整改状态", "整改措施"], first=_DONE)
returned("rectified without evidence", "印证资料", None, "P04", needs=["整改状态", "印证资料"], first=_DONE)
returned(
    "rectified before it was found", "完成日期", "2020-4-1", "P05", needs=["完成日期", "发现日期"], value=date(2020, 4, 1), first=_DONE
)
returned("rectified after the report", "完成日期", _day_after, "P05", needs=["完成日期"], value=_day_after, first=_DONE)
returned("found after the report", "发现日期", _day_after, "P06", needs=["发现日期"], value=_day_after, first=_OPEN)
returned("in progress without measures", "整改措施", "无", "P07", needs=["整改状态", "整改措施"], first=_DOING)
returned(
    "a township withdraws a problem",
    "整改状态",
    "撤销",
    "P09",
    needs=["整改状态"],
    value="void",
    senders=("township",),
    first={"完成日期": None},
)
returned(
    "the office withdraws a problem without a reason", "撤销原因", None, "P09", needs=["整改状态", "撤销原因"], senders=("office",),
    first={"整改状态": ("撤销", "void"), "撤销原因": "重复登记"}, ledgers=[PROBLEMS],
)  # fmt: skip
returned("found before the campaign", "发现日期", "2020-03-31", "P10", needs=["发现日期"], value=date(2020, 3, 31))
returned("a problem in two characters", "问题描述", "漏雨", "P12", needs=["问题描述"], value="漏雨")


def _foreign(ledger: str, township: str | None) -> Callable[..., str]:
    """A key that belongs to somebody else; another one for each row."""
    return lambda file, sheet, row: known(ledger, township)[(file.number + sheet.rows.index(row)) % len(known(ledger, township))]


def _not_from(code: str) -> dict[str, Any]:
    return {"senders": ("township",), "only": lambda file: file.sender.district == DISTRICT and file.sender.code != code}


for _name, _owner in {"a township": "430902104", "nobody": None}.items():
    _foreign_problem = _foreign(PROBLEMS, _owner)
    returned(
        f"a problem of {_name}", "问题编号", _foreign_problem, "P11", needs=["问题编号", "乡镇"], value=_foreign_problem,
        ledgers=[PROBLEMS], **_not_from(_owner or ""),
    )  # fmt: skip
_foreign_project = _foreign(PROJECTS, "430902104")
returned(
    "a project of another township", "项目编号", _foreign_project, "J07", needs=["项目编号"], value=_foreign_project, ledgers=[PROJECTS],
    **_not_from("430902104"),
)  # fmt: skip

# ── funds ────────────────────────────────────────────────────────────────────────────────────────────────────────────

returned(
    "allocated without a document",
    "资金文号",
    "无",
    "F02",
    needs=["环节", "资金文号"],
    senders=("office",),
    first={"环节": "分配", "资金文号": "1号"},
)
returned("spent without a project", "项目编号", None, "F03", needs=["环节", "项目编号"], senders=("township",), ledgers=[FUNDS])
returned("moved after the report", "发生日期", _day_after, "F04", needs=["发生日期"], value=_day_after)
returned("a township allocates", "环节", "分配", "F05", needs=["环节"], senders=("township",), value="分配", first={"资金文号": "1号"})
returned(
    "the office spends for a township", "环节", "拨付", "F05", needs=["环节", "乡镇"], senders=("office",), value="拨付", ledgers=[FUNDS],
    first={"环节": "分配", "项目编号": "XM-1", "乡镇": (TOWNSHIPS[1].name, TOWNSHIPS[1].code), "村(社区)": (None, None)},
)  # fmt: skip

# ── projects ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_CHAIN = {
    "计划开工日期": date(2020, 3, 1), "计划完工日期": date(2020, 5, 30), "实际开工日期": date(2020, 3, 5),
    "实际完工日期": date(2020, 5, 20), "验收日期": date(2020, 6, 1),
}  # fmt: skip
for _earlier, _later, _wrong in (
    ("计划开工日期", "计划完工日期", date(2020, 6, 15)),
    ("实际开工日期", "实际完工日期", date(2020, 5, 25)),
    ("实际完工日期", "验收日期", date(2020, 6, 10)),
):
    returned(f"{_earlier} after {_later}", _earlier, _wrong, "J01", needs=[_earlier, _later], value=_wrong, first=_CHAIN)


def _sums_up(file: LedgerFile, sheet: Sheet, row: Row) -> dict[str, Any]:
    amounts = {
        "中央资金": Decimal(100_000),
        "省级资金": Decimal(50_000),
        "市级资金": Decimal(0),
        "区级资金": Decimal(30_000),
        "其他资金": Decimal(20_000),
    }
    return {title: (Yuan(yuan), yuan) for title, yuan in {**amounts, "计划总投资": sum(amounts.values())}.items()}


returned(
    "parts that do not sum up",
    "中央资金",
    Yuan(Decimal(110_000)),
    "J02",
    needs=["计划总投资", *PARTS],
    value=Decimal(110_000),
    first=_sums_up,
)
returned(
    "finished without a beginning",
    "实际完工日期",
    date(2020, 5, 20),
    "J04",
    needs=["实际开工日期", "实际完工日期"],
    value=date(2020, 5, 20),
    first=dict.fromkeys(["实际开工日期", "实际完工日期", "验收日期"]),
)
returned(
    "accepted without an end",
    "验收日期",
    "2020.6.2",
    "J04",
    needs=["实际完工日期", "验收日期"],
    value=date(2020, 6, 2),
    first={"实际开工日期": date(2020, 3, 5), "实际完工日期": None, "验收日期": None},
)
returned(
    "begun after the report",
    "实际开工日期",
    _day_after,
    "J05",
    needs=["实际开工日期"],
    value=_day_after,
    first=dict.fromkeys(["实际开工日期", "实际完工日期", "验收日期"]),
)
returned("accepted after the report", "验收日期", _day_after, "J05", needs=["验收日期"], value=_day_after, first=_CHAIN)

# ── visits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_problem(file: LedgerFile, sheet: Sheet, row: Row) -> dict[str, Any]:
    township = TOWNSHIPS[file.number % len(TOWNSHIPS)]
    return {"核查结论": "退回", "问题编号": known(PROBLEMS, township.code)[0], "乡镇": (township.name, township.code), "村(社区)": None}


returned("sent back without a problem", "问题编号", "——", "V01", needs=["核查结论", "问题编号"], first=_of_problem, ledgers=[VISITS])
returned("visited after the report", "督导日期", _day_after, "V02", needs=["督导日期"], value=_day_after)
returned(
    "a problem that nobody reported",
    "问题编号",
    "没有这个-1",
    "V03",
    needs=["问题编号", "乡镇"],
    value="没有这个-1",
    first=_of_problem,
    ledgers=[VISITS],
)
returned(
    "a department's problem in a township",
    "问题编号",
    known(PROBLEMS, None)[0],
    "V03",
    needs=["问题编号", "乡镇"],
    value=known(PROBLEMS, None)[0],
    first=_of_problem,
    ledgers=[VISITS],
)
returned(
    "a visit of nowhere", "乡镇", None, "R01", needs=["问题编号"], ledgers=[VISITS], first=lambda file, sheet,
    row: {"核查结论": "新发现", "问题编号": None, "村(社区)": None, "乡镇": (TOWNSHIPS[0].name, TOWNSHIPS[0].code)},
)  # fmt: skip

# ── lines of a CSV ───────────────────────────────────────────────────────────────────────────────────────────────────


def _surplus(file: LedgerFile, sheet: Sheet, row: Row, rng: Random) -> None:
    """A field more than the header has: nobody knows which cell is which."""
    row.surplus = "多出的一格"
    row.breaks.append(Break("R11", KEY[sheet.ledger]))
    row.is_whole = False
    row.values = dict.fromkeys(row.values)


def _broken_quotes(file: LedgerFile, sheet: Sheet, row: Row, rng: Random) -> None:
    """A quote that does not close swallows its line, and no other."""
    row.line = lambda line: line.replace(file.separator, f'{file.separator}"', 1)
    row.breaks.append(Break("R11", KEY[sheet.ledger]))
    row.is_whole = False
    row.values = dict.fromkeys(row.values)
    for title, cell in row.cells.items():
        if isinstance(cell, str) and set(cell) & set('"\n'):
            row.cells[title] = "已核实"  # the line must be one line
            row.right[title] = ("已核实", "已核实")


_add(Defect("a field too many", _surplus, kinds=TEXTS, scope="row"))
_add(Defect("quotes that do not close", _broken_quotes, kinds=TEXTS, scope="row", only=lambda file: file.separator == ","))

# ── layout ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def sheet_defect(name: str, **where: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Enter a change of a whole sheet into the catalogue; its rows mean the same."""

    def enter(spoil: Callable[..., None]) -> Callable[..., None]:
        _add(Defect(name, spoil, scope="sheet", **where))
        return spoil

    return enter


@sheet_defect("title lines")
def _titles(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    sheet.above[:0] = [{0: f"资阳区2020年{sheet.ledger}（=附件1）"}, {}, {1: "主送：区扶贫办", 3: "联系人：王某"}]


@sheet_defect("blank lines")
def _blank_lines(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    for _ in range(3):
        sheet.lines.insert(rng.randint(0, len(sheet.lines)), Line())


@sheet_defect("a right total", ledgers=(FUNDS, PROJECTS))
def _right_total(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    sheet.lines.append(Line(word=rng.choice(("合计", "合 计", "总计", "全镇合计"))))


@sheet_defect("a wrong total", ledgers=(FUNDS, PROJECTS))
def _wrong_total(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    sheet.lines.append(Line(word="合计", surplus=Decimal(100)))
    file.findings.add("W02")


@sheet_defect("notes and signatures")
def _notes(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    sheet.lines += [Line({sheet.left + 2: "以上情况属实"}), Line({sheet.left: "制表人：王某", sheet.left + 3: "审核：李某"})]


@sheet_defect("a second header of the same table")
def _repeated_header(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    sheet.lines.insert(rng.randint(1, len(sheet.lines)), Line(repeats_header=True))


@sheet_defect("hidden rows", kinds=WORKBOOKS)
def _hidden_rows(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    for row in rng.sample(sheet.rows, 2):
        row.is_hidden = True
    file.findings.add("W07")


@sheet_defect("a hidden sheet", kinds=WORKBOOKS)
def _hidden_sheet(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    file.hidden_sheets.append(
        (f"旧{sheet.ledger}", [list(FUZZED[sheet.ledger].titles), [f"隐藏{title}" for title in FUZZED[sheet.ledger].titles]])
    )
    file.findings.add("W07")


@sheet_defect("columns in another order")
def _reordered(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    rng.shuffle(sheet.columns)


@sheet_defect("columns of the sender's own")
def _own_columns(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    sheet.own |= {"序号": lambda row: Decimal(row.no), "联系电话": lambda row: "13812345678"}
    file.findings.add("W31")
    sheet.columns.insert(0, "序号")
    sheet.columns.insert(rng.randint(1, len(sheet.columns)), "联系电话")


@sheet_defect("a column without a title")
def _untitled_column(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    sheet.own["#1"] = lambda row: "见附件"
    file.findings.add("W31")
    sheet.columns.insert(rng.randint(1, len(sheet.columns) - 1), "#1")


@sheet_defect("other names of columns", ledgers=(PROBLEMS, FUNDS, PROJECTS))
def _aliases(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    sheet.headers |= {
        PROBLEMS: {"发现日期": "发现时间", "问题描述": "存在问题", "整改状态": "是否整改到位", "印证资料": "佐证资料", "村(社区)": "村居"},
        FUNDS: {"资金年度": "年度", "资金层级": "层级", "发生日期": "日期"},
        PROJECTS: {"村(社区)": "建设地点", "实际开工日期": "开工日期", "形象进度(%)": "形象进度"},
    }[sheet.ledger]


@sheet_defect("spaces and full width in the header")
def _spaced_header(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    for title in sheet.columns:
        if title not in sheet.own and title not in MONEY.get(sheet.ledger, ()):
            text = sheet.headers.get(title, title)
            sheet.headers[title] = f" {text[0]}\u3000{_wide(text[1:])}\u200b"


@sheet_defect("a header of two rows", kinds=WORKBOOKS)
def _two_rows(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    first = sheet.left + rng.randint(1, 3)
    sheet.groups = {"基本情况": (first, first + 2)}


@sheet_defect("columns to the left left free")
def _left_margin(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    sheet.left += 2
    sheet.groups = {text: (first + 2, last + 2) for text, (first, last) in sheet.groups.items()}


@sheet_defect("merged cells", kinds=WORKBOOKS, ledgers=(PROBLEMS, PROJECTS))
def _merged(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    title, word = {PROBLEMS: ("问题类别", "住房安全"), PROJECTS: ("项目类别", "产业")}[sheet.ledger]
    pairs = [
        (one, two)
        for one, two in zip(sheet.lines, sheet.lines[1:], strict=False)
        if isinstance(one, Row) and isinstance(two, Row) and title not in one.spoiled | two.spoiled and one.is_whole and two.is_whole
    ]
    if not pairs or title not in sheet.columns:
        raise NotPossible
    first, second = rng.choice(pairs)
    first.arrange(**{title: word})
    second.arrange(**{title: (None, word)})
    sheet.merged.append((title, first, second))


@sheet_defect("the date system of 1904", kinds=WORKBOOKS)
def _of_1904(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    file.uses_1904 = True


@sheet_defect("the extension of another kind")
def _extension(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    file.extension = "csv" if file.kind in WORKBOOKS else "xlsx"
    file.findings.add("W12")


@sheet_defect("another separator", kinds=TEXTS)
def _separator(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    if any(row.line for row in sheet.rows):
        raise NotPossible
    file.separator = rng.choice((";", "\t"))


@sheet_defect("a byte order mark", kinds=(UTF8,))
def _mark(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    file.encoding = "utf-8-sig"


@sheet_defect("the text of a spreadsheet's Unicode export", kinds=(UTF8,))
def _utf16(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    if file.encoding or any(row.line for row in sheet.rows):
        raise NotPossible
    file.encoding, file.separator = "utf-16", "\t"


@sheet_defect("line feeds alone", kinds=TEXTS)
def _line_feeds(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    file.line_end = "\n"


@sheet_defect("a column that is missing", ledgers=(PROBLEMS,))
def _missing_column(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    """印证资料 is not required, but a problem that is rectified needs it: the message names the column and can name no cell."""
    title = "印证资料"
    needing = [row for row in sheet.rows if row.right["整改状态"][1] == "rectified"]
    if not all(row.is_whole for row in needing):
        raise NotPossible
    sheet.columns.remove(title)
    for row in sheet.rows:
        evidence = row.right[title]
        row.set(title, None)
        if row in needing:
            row.right[title] = evidence
            row.spoiled.add(title)
            row.breaks.append(Break("P04", title, frozenset(["整改状态", title])))


# ── file rules ───────────────────────────────────────────────────────────────────────────────────────────────────────


def file_defect(name: str, **where: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Enter a defect by which the whole file goes back."""

    def enter(spoil: Callable[..., None]) -> Callable[..., None]:
        _add(Defect(name, spoil, scope="file", **where))
        return spoil

    return enter


@file_defect("cut off", kinds=WORKBOOKS)
def _cut(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    file.mangle = lambda content: content[: len(content) * 2 // 3]
    file.faults, file.is_read = [("S01", None, None)], False


@file_defect("damaged in the middle", kinds=(UTF8,))
def _damaged(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    file.encoding = ""
    file.mangle = lambda content: content[:-40] + b"\xff\xfe\xfd" + content[-40:]
    file.faults, file.is_read = [("S01", None, None)], False


@file_defect("a header of nobody")
def _strange_header(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    for number, one in enumerate(file.sheets):
        one.name, one.unit_stands = f"表{number}", "nowhere"
        one.headers = {title: f"第{place}列" for place, title in enumerate(one.columns)}
    file.faults, file.is_read = [("S02", None, None)], False


def _required(sheet: Sheet) -> list[str]:
    """Columns that a sheet must have, but its key and those of money, which has a unit."""
    return [
        column.title
        for column in FUZZED[sheet.ledger].columns
        if column.is_required and column.type != "money" and column.title != sheet.title_of_key
    ]


@file_defect("a required column missing")
def _lacks_column(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    title = rng.choice(_required(sheet))
    sheet.columns.remove(title)
    file.faults.append(("S03", title, None))


@file_defect("a column twice")
def _column_twice(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    title = _required(sheet)[-1]
    sheet.own[f"{title}#2"] = lambda row: "另一列"
    sheet.columns.append(f"{title}#2")
    file.faults.append(("S04", title, "header"))


@file_defect("money without a unit", ledgers=(FUNDS, PROJECTS))
def _no_unit(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    sheet.unit_stands = "nowhere"
    for title in sheet.money:
        if any(row.cells[title] not in {None, "——", "/"} for row in sheet.rows):
            file.faults.append(("S05", title, "header"))


@file_defect("the data of another township", senders=("township",), ledgers=_ledgers_with("乡镇"))
def _of_another(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    if any(row.line for row in file.rows):
        raise NotPossible
    for one in file.sheets:
        for row in one.rows:
            row.cells["乡镇"] = "茈湖口镇"
    file.faults.append(("S06", None, None))


@file_defect("two dates")
def _two_dates(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    file.name_date = file.report_on - timedelta(days=3)
    sheet.has_date = True
    sheet.date_text = f"{file.report_on:%Y-%m-%d}"
    file.faults.append(("S07", None, None))


@file_defect("a date of tomorrow and later")
def _future(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    for one in file.sheets:
        one.has_date = False
    file.name_date = date.today() + timedelta(days=400)
    file.faults.append(("S07", None, None))


@file_defect("a date nobody understands")
def _vague_date(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    file.date_stands, file.name_date = "cell", None
    for one in file.sheets:
        one.has_date = one is sheet
    sheet.date_text = "六月下旬"
    file.faults.append(("S07", "填报日期", "date"))


@file_defect("a township sends visits", senders=("township",), only=lambda file: file.kind in WORKBOOKS)
def _visits(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    other = clean_file(rng, file.number, GROUPS[0], file.kind, VISITS).sheets[0]
    other.has_date = False
    file.sheets.append(other)
    file.faults.append(("S08", None, None))


@file_defect("a header and nothing below", only=lambda file: len(file.sheets) == 1)
def _no_rows(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    sheet.lines = [Line() for line in sheet.lines if isinstance(line, Line) and not line.is_counted]
    sheet.rows, sheet.merged = [], []
    file.faults.append(("S09", None, None))
    file.findings.clear()


@file_defect("far too many columns", kinds=TEXTS)
def _wide_sheet(file: LedgerFile, sheet: Sheet, rng: Random) -> None:
    for number in range(300):
        sheet.own[f"#{number + 2}"] = lambda row: None
        sheet.columns.append(f"#{number + 2}")
    file.faults, file.is_read = [("S10", None, None)], False


class NotPossible(Exception):
    """The defect does not fit what was done to the file before."""


def senders_of(defect: Defect) -> list[Sender]:
    """Who can send a file with the defect."""
    return [sender for sender in SENDERS if sender.kind in defect.senders and set(sender.ledgers) & set(defect.ledgers)]
