"""The planted mistakes: which rule a row breaks, on which day, in whose file, and what the clerk wrote instead.

A mistake never touches the story: a row sent wrongly is one that the story takes up only later (`new`, `closing`), one whose
earlier version stands (`update`), or one that belongs to nobody (`stray`). Of the visits, confirmations are sent wrongly: they
change no state.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from local.sample.story import june

PROBLEMS, PROJECTS, FUNDS, VISITS = "问题台账", "项目台账", "资金台账", "督导记录"

# Rules about a closure: the row they spoil says 整改到位.
CLOSING_RULES = frozenset({"P02", "P03", "P04", "P05"})


@dataclass(frozen=True)
class Written:
    """A cell exactly as the clerk wrote it: no style is applied to it."""

    value: Any


@dataclass(frozen=True)
class Mistake:
    """One planted mistake.

    Attributes:
        kind: `new` spoils the first sending of a row, corrected in the next file; `closing` spoils the row that closes a problem,
            corrected in the next file; `update` spoils a later version of a row; `stray` is a copied row under another key.
        changes: column → what stands in its cell.
    """

    unit: str
    day: date
    ledger: str
    rule: str
    kind: str
    changes: dict[str, Any] = field(hash=False)


def _mistake(unit: str, day: int, ledger: str, rule: str, kind: str, **changes: Any) -> Mistake:
    columns = {"村": "村(社区)", "进度": "形象进度(%)"}
    return Mistake(f"430902{unit}", june(day), ledger, rule, kind, {columns.get(name, name): value for name, value in changes.items()})


MISTAKES = (
    # ── 问题台账, 22 June: the first sending ──
    _mistake("102", 22, PROBLEMS, "R05", "new", 村="迎丰桥村"),
    _mistake("104", 22, PROBLEMS, "R02", "new", 发现日期="2020.4.31"),
    _mistake("105", 22, PROBLEMS, "R07", "new", 证件号码=430902196503120009),
    _mistake("105", 22, PROBLEMS, "P04", "new", 印证资料=None),
    _mistake("106", 22, PROBLEMS, "R08", "new", 问题描述="同上户，情况已核实，措施另报"),
    _mistake("106", 22, PROBLEMS, "P03", "new", 整改措施=None),
    _mistake("106", 22, PROBLEMS, "R04", "new", 问题类别="住房问题"),
    _mistake("107", 22, PROBLEMS, "P02", "new", 完成日期=None),
    _mistake("107", 22, PROBLEMS, "R01", "new", 责任领导=None),
    _mistake("107", 22, PROBLEMS, "R09", "new", 整改时限="#REF!"),
    _mistake("203", 22, PROBLEMS, "P08", "new", 责任领导="陈志明、刘秋生"),
    _mistake("203", 22, PROBLEMS, "P01", "new", 整改时限="2020年3月30日"),
    _mistake("005", 22, PROBLEMS, "R07", "new", 证件号码="430902650312000"),
    _mistake("006", 22, PROBLEMS, "P12", "new", 问题描述="漏雨"),
    _mistake("401", 22, PROBLEMS, "R06", "new", 乡镇="长春镇"),
    _mistake("000", 22, PROBLEMS, "P05", "new", 完成日期="2020-04-01"),
    # ── 问题台账, the following days ──
    _mistake("102", 23, PROBLEMS, "P04", "closing", 印证资料=None),
    _mistake("104", 23, PROBLEMS, "P02", "closing", 完成日期=None),
    _mistake("107", 23, PROBLEMS, "P03", "closing", 整改措施=None),
    _mistake("107", 23, PROBLEMS, "P11", "stray", 问题编号="迎风桥-001"),
    _mistake("005", 23, PROBLEMS, "R04", "closing", 整改状态="基本到位"),
    _mistake("401", 23, PROBLEMS, "P08", "closing", 责任领导="周明光 陈国安"),
    _mistake("102", 24, PROBLEMS, "P05", "closing", 完成日期="2020-06-28"),
    _mistake("107", 24, PROBLEMS, "R02", "closing", 完成日期="6月中旬"),
    _mistake("107", 24, PROBLEMS, "R07", "new", 证件号码="430902197106180000"),
    _mistake("106", 24, PROBLEMS, "R04", "closing", 整改状态="基本完成"),
    _mistake("203", 24, PROBLEMS, "P04", "closing", 印证资料=None),
    _mistake("203", 24, PROBLEMS, "P09", "update", 整改状态="误报", 撤销原因="经核实不属于问题"),
    _mistake("006", 24, PROBLEMS, "P10", "stray", 问题编号="汽车路-014", 发现日期="2020-03-25"),
    _mistake("106", 28, PROBLEMS, "P03", "closing", 整改措施=None),
    _mistake("107", 28, PROBLEMS, "P07", "update", 整改措施=None),
    _mistake("102", 29, PROBLEMS, "P02", "closing", 完成日期=None),
    _mistake("105", 29, PROBLEMS, "P06", "new", 发现日期="2020年6月30日"),
    _mistake("105", 29, PROBLEMS, "P04", "closing", 印证资料=None),
    _mistake("106", 29, PROBLEMS, "P04", "closing", 印证资料=None),
    _mistake("006", 29, PROBLEMS, "P02", "closing", 完成日期=None),
    # Said to be rectified on the last day, without what a closure needs: still open when the half-year ends.
    _mistake("105", 30, PROBLEMS, "R02", "update", 整改时限="7月底"),
    _mistake("107", 30, PROBLEMS, "P04", "update", 印证资料=None),
    _mistake("203", 30, PROBLEMS, "P02", "update", 完成日期=None),
    _mistake("000", 30, PROBLEMS, "P03", "update", 整改措施=None),
    # ── 项目台账 ──
    _mistake("102", 22, PROJECTS, "J02", "new", 计划总投资=88.8),
    _mistake("104", 22, PROJECTS, "J01", "new", 计划完工日期="2019.12.1"),
    _mistake("105", 22, PROJECTS, "J04", "new", 实际开工日期=None, 实际完工日期="2020年6月10日", 验收日期=None),
    _mistake("106", 22, PROJECTS, "R03", "new", 计划总投资="约12"),
    _mistake("106", 22, PROJECTS, "J05", "new", 实际开工日期="2020/6/28", 实际完工日期=None, 验收日期=None),
    _mistake("107", 22, PROJECTS, "J03", "new", 进度=120),
    _mistake("107", 22, PROJECTS, "R05", "new", 村="新桥村"),
    _mistake("107", 22, PROJECTS, "R04", "new", 项目类别="农业"),
    _mistake("203", 22, PROJECTS, "J06", "new", 计划总投资=0, 中央资金=None, 省级资金=None, 市级资金=None, 区级资金=None, 其他资金=None),
    _mistake("005", 22, PROJECTS, "R02", "new", 计划开工日期="2020.5"),
    _mistake("006", 22, PROJECTS, "J02", "new", 计划总投资=777000),
    _mistake("106", 24, PROJECTS, "J07", "stray", 项目编号="ZY2020-074"),
    _mistake("000", 29, PROJECTS, "R03", "update", 进度=0.6),
    # ── 资金台账 ──
    _mistake("107", 23, FUNDS, "F05", "new", 环节="分配", 资金文号="资扶领发〔2020〕样3号"),
    _mistake("104", 23, FUNDS, "F03", "new", 项目编号=None),
    _mistake("000", 23, FUNDS, "F02", "new", 资金文号=None),
    _mistake("000", 23, FUNDS, "R04", "new", 资金层级="中央级"),
    _mistake("000", 24, FUNDS, "F04", "new", 发生日期="2020-06-29"),
    _mistake("106", 24, FUNDS, "F01", "new", 金额=0),
    _mistake("203", 24, FUNDS, "R09", "new", 金额="=12000/10000"),
    _mistake("006", 24, FUNDS, "R01", "new", 发生日期=None),
    _mistake("005", 28, FUNDS, "R03", "new", 金额="1.2万"),
    # ── 督导记录 ──
    _mistake("-D1", 23, VISITS, "V01", "new", 问题编号=None),
    _mistake("-D2", 23, VISITS, "R04", "new", 核查结论="基本属实"),
    _mistake("-D3", 23, VISITS, "R04", "new", 乡镇="大码头"),
    _mistake("-D2", 24, VISITS, "V02", "new", 督导日期="2020-06-28"),
    _mistake("-D3", 28, VISITS, "V03", "new", 问题编号="迎风桥-003"),
    _mistake("-D1", 29, VISITS, "R01", "new", 督导人员=None),
    _mistake("-D2", 29, VISITS, "R02", "new", 督导日期="2020-06-31"),
)

# Whole ledgers, beside the single rows.
LACKS_LEADER_COLUMN = ("430902106", june(23))  # S03: sent again on the same day with the column
SENT_TWICE = ("430902102", june(28))  # the same bytes under another name: duplicate
COPIED_ROW = ("430902104", june(22))  # W08: the first problem stands in the ledger twice
WRONG_TOTAL = ("430902203", june(22), PROJECTS)  # W02: 合计 is ten units too high
HIDDEN_ROW = ("430902105", june(22))  # W07: a hidden row is data
HIDDEN_SHEET = ("430902102", june(22))  # W07: a hidden sheet is not


def planted(unit: str, day: date, ledger: str, *kinds: str) -> list[Mistake]:
    """The mistakes of these kinds in one unit's ledger of one day."""
    return [
        mistake for mistake in MISTAKES
        if (mistake.unit, mistake.day, mistake.ledger) == (unit, day, ledger) and mistake.kind in kinds
    ]  # fmt: skip


def spoiled(row: dict[str, Any], mistake: Mistake) -> list[dict[str, Any]]:
    """The row or, for a key sent twice, the two rows as the mistaken clerk writes them."""
    wrong = row | {column: Written(value) for column, value in mistake.changes.items()}
    return [row, wrong] if mistake.rule == "R08" else [wrong]
