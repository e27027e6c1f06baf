"""How each sender keeps its ledgers: file kind, header names, column order, spellings. Every sender has habits of its own."""

import csv
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from local.sample.mistakes import FUNDS, PROBLEMS, PROJECTS, VISITS

# ledger, name of an order → columns. A column that is no column of the ledger (序号, 联系电话 …) is one the clerk keeps besides.
COLUMN_ORDERS = Path(__file__).with_name("column_orders.csv")
# First header row over columns, from the first to the last column named; the others have one cell over two rows.
# 整改情况 is also an alias of 整改状态: the lower row decides.
PROBLEM_GROUPS = {"基本情况": ("问题来源", "问题描述"), "整改情况": ("整改措施", "印证资料")}
PROJECT_GROUPS = {"资金来源": ("中央资金", "其他资金"), "建设进度": ("计划开工日期", "形象进度(%)")}
FUND_GROUPS: dict[str, tuple[str, str]] = {}
VISIT_GROUPS = {"督导对象": ("乡镇", "问题编号"), "督导结果": ("核查结论", "情况说明")}

# Ledger → column → header the clerk uses.
ALIASES_OLD = {
    PROBLEMS: {
        "村(社区)": "村居", "证件号码": "身份证号", "发现日期": "发现时间", "问题描述": "存在问题", "整改时限": "整改期限",
        "整改状态": "是否整改到位", "完成日期": "整改完成时间", "印证资料": "佐证资料",
    },
    PROJECTS: {"村(社区)": "实施地点"},
}  # fmt: skip
ALIASES_WRAPPED = {
    PROBLEMS: {"村(社区)": "村\n（社区）", "证件号码": "证件\n号码", "完成日期": "完成时间", "整改状态": "整改\n状态"},
    PROJECTS: {"实际开工日期": "开工日期"},
}
ALIASES_SPACED = {
    PROBLEMS: {"整改状态": "整改情况", "村(社区)": "村（社区）", "发现日期": "发 现 日 期"},
    FUNDS: {"资金文号": "文号", "发生日期": "日期"},
}
ALIASES_SITE = {PROJECTS: {"村(社区)": "建设地点", "实际开工日期": "开工日期", "实际完工日期": "完工日期"}}
ALIASES_FUNDS = {FUNDS: {"资金年度": "年度", "资金文号": "文号", "资金层级": "层级", "发生日期": "日期"}}

WORDS_BUSY = {
    "整改到位": ("整改到位", "已整改", "立行立改", "已整改到位"), "整改中": ("整改中", "正在整改"), "未整改": ("未整改", "未开始"),
}  # fmt: skip
WORDS_YES_NO = {"整改到位": ("是",), "未整改": ("否",), "整改中": ("推进中",)}
WORDS_CLOSED = {"整改到位": ("已销号", "已完成"), "省级": ("省",), "市级": ("市",), "分配": ("安排",), "支出": ("报账",), "下达": ("到账",)}


@cache
def _column_orders() -> dict[tuple[str, str], list[str]]:
    with COLUMN_ORDERS.open(encoding="utf-8", newline="") as file:
        return {(line["ledger"], line["order"]): line["columns"].split() for line in csv.DictReader(file)}


@dataclass(frozen=True)
class Style:
    """The habits of one sender.

    Attributes:
        problem_order, project_order, fund_order, visit_order: names in column_orders.csv.
        file_name: with {day} and {ledger}; `{day:%Y%m%d}` makes the name tell the report date.
        date_cell: `one` 填报日期：… in one cell, `two` the date in the next cell, None: only the file name tells it.
        dates: spellings of dates, see `spellings.spelled_date`.
        blank: what stands in blank optional cells.
        whole: sends its whole problem ledger each time, not only the rows that changed.
        merged: column whose equal neighbours are merged; the rows are sorted by it.
        sheet_names: ledger → sheet; empty: one CSV file per ledger.
    """

    file_name: str
    dates: tuple[str, ...]
    problem_order: str = "usual"
    project_order: str = "usual"
    fund_order: str = "usual"
    visit_order: str = "usual"
    aliases: dict[str, dict[str, str]] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    villages: tuple[str, ...] = ("short",)
    date_cell: str | None = "one"
    unit_line: str | None = "单位：万元"
    header_unit: str | None = None
    two_row_header: bool = False
    blank: tuple[str | None, ...] = (None,)
    whole: bool = False
    merged: str | None = None
    totals: bool = True
    full_width: bool = False
    encoding: str | None = None
    sheet_names: dict[str, str] = field(default_factory=lambda: {name: name for name in (PROBLEMS, PROJECTS, FUNDS, VISITS)})
    notes: tuple[str, ...] = ()
    explains: bool = False

    def columns(self, ledger: str) -> list[str]:
        """The columns of this sender's ledger in their order."""
        orders = {PROBLEMS: self.problem_order, PROJECTS: self.project_order, FUNDS: self.fund_order, VISITS: self.visit_order}
        return _column_orders()[ledger, orders[ledger]]

    @property
    def money_unit(self) -> str:
        """元 or 万元, whatever the header or the line above it names."""
        return self.header_unit or (self.unit_line or "").partition("：")[2]


STYLES = {
    "430902102": Style(
        "迎风桥镇脱贫攻坚台账{day:%Y%m%d}.xlsx", ("excel",), merged="乡镇", whole=True,
        villages=("short", "committee"), notes=("注：本台账每日17:00前报送，无变化可不报。", "制表人：文立华　　审核：龙清明"),
    ),
    "430902104": Style(
        "沙头镇台账-{day:%Y-%m-%d}.xlsx", ("dots",), aliases=ALIASES_WRAPPED, words=WORDS_BUSY, date_cell=None, two_row_header=True,
        whole=True, blank=(None, "/"), notes=("填表人：汪秀珍",), unit_line=None, header_unit="万元",
    ),
    "430902105": Style(
        "茈湖口镇回头看整改情况（{day.month}月{day.day}日）.xlsx", ("chinese",), problem_order="by_village", project_order="by_place",
        aliases=ALIASES_OLD, words=WORDS_YES_NO, villages=("committee", "long"), date_cell="two", merged="村(社区)",
        notes=("单位负责人：贺建国", "备注：表内数据以入户核查为准。"),
    ),
    "430902106": Style(
        "{day:%Y年}{day.month}月{day.day}日长春镇各类台账.xlsx", ("slashes", "excel"), problem_order="with_contact",
        fund_order="by_stage", aliases=ALIASES_SPACED, two_row_header=True, villages=("short", "committee"), explains=True,
        unit_line="金额单位：万元", notes=("说明：联系电话仅供镇内联系使用", "审核：肖明安"),
    ),
    "430902107": Style(
        "新桥河镇{day:%m%d}.xlsx", ("excel", "dashes", "serial", "digits"), whole=True, full_width=True, unit_line=None, header_unit="元",
        words=WORDS_BUSY, sheet_names={PROBLEMS: "Sheet1", PROJECTS: "Sheet2", FUNDS: "Sheet3"}, blank=(None, "无", "—"),
        notes=("制表人：彭春生　2020年",),
    ),
    "430902203": Style(
        "张家塞乡整改台账.xlsx", ("no_year", "chinese", "numerals"), problem_order="short", project_order="short", fund_order="by_stage",
        villages=("short", "long"), date_cell="two", unit_line="单位：万元", notes=("填报人：田桂芳",), explains=True,
    ),
    "430902005": Style(
        "大码头街道{ledger}{day:%Y%m%d}.csv", ("dashes",), problem_order="usual", encoding="gb18030", sheet_names={},
        words=WORDS_CLOSED, villages=("short", "committee"), whole=True, unit_line=None, header_unit="万元", totals=False,
    ),
    "430902006": Style(
        "{ledger}-汽车路-{day:%Y-%m-%d}.csv", ("slashes", "chinese"), problem_order="by_village", encoding="utf-8-sig", sheet_names={},
        whole=True, unit_line="单位：元", date_cell="one", villages=("short", "long"), totals=True, notes=("制表人：苏腊梅",),
    ),
    "430902401": Style(
        "经开区{day:%Y%m%d}问题项目报表.xlsx", ("dots", "dashes"), aliases=ALIASES_SITE, words=WORDS_CLOSED,
        villages=("short", "committee", "long"), merged="村(社区)", blank=("/",),
    ),
    "430902000": Style(
        "资阳区扶贫办台账{day:%Y%m%d}.xlsx", ("excel", "dashes"), problem_order="office", fund_order="usual", aliases=ALIASES_FUNDS,
        unit_line="单位：万元", notes=("注：部门问题不填乡镇。",), explains=True,
    ),
    "430902-D1": Style(
        "第一督导组督导记录{day:%Y%m%d}.xlsx", ("excel",), merged="乡镇", villages=("short", "committee"), notes=("填表人：曹安元",),
    ),
    "430902-D2": Style(
        "{ledger}（二组）{day:%Y-%m-%d}.csv", ("slashes", "no_year"), visit_order="by_place", encoding="gb18030", sheet_names={},
        totals=False, blank=("/",),
    ),
    "430902-D3": Style(
        "三组{day.month}月{day.day}日督导情况.xlsx", ("dots", "chinese"), visit_order="by_problem", date_cell="two", two_row_header=True,
        sheet_names={VISITS: "Sheet1"}, villages=("long", "short"), totals=False, notes=("注：部门问题不填乡镇。", "审核：姚春林"),
    ),
}  # fmt: skip
