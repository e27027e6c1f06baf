"""Seeded random ledgers, right and wrong in every column, as CSV texts: what the differential test feeds to the gate and to the oracle.

Left out are cells that the contract leaves open and the two read differently (tests/oracle/README.md lists them).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tests.oracle.columns import KEY_COLUMN, KINDS, WORDS

LONG_NAME, LONG_TEXT = "长" * 65, "长" * 4001
DATES = (
    "2020-6-4 2020/6/4 2020.6.4 20200604 2020年6月4日 二〇二〇年六月四日 二零二零年六月十四日 6月4日 六月四日 6-4 6/4 6.4 ２０２０－６－４ 2020-06-24 2020-06-25 "
    "2020-04-01 2020-03-31 2020-06-30 2020-07-01 2014-01-01 2013-12-31 2025-12-31 2026-01-01 2026-12-31 2027-01-01 2020-6 2020年6月 六月 待定 月底前 "
    "2020-02-30 2019-02-29 2020-02-29 20200631 43986 2020-6/4 2020.6-4 2020-13-01 13月1日 2020年6月4号 2020年6月4 三月三十二日 二〇二〇年六月二十四日 "
    "20-6-4 2020-6-4日 2020-06-041 二〇二〇年十二月三十一日 10月10日 十月三十一日 #REF! 无 / — 2020--6-4 0 1"
).split() + ["2020-06-04 08:30", "2020/6/4 8:30:00", "2020-06-04T08:30:00", "2020年 6月 4日", "2020-06-04 上午", "", " ", "2020-06-04 "]
AMOUNTS = (
    "1,234.50 12 12.5 ￥12 ¥12 (500) （500） 12元 12万元 ￥12元 1.2万 约10 10-12 1,23 1234,567 12,345,678 +5 .5 5. 1e3 １２．５ -3 --3 (-3) 0 -0 0.00 0.01 "
    "0.001 0.0001 0.000001 0.0000001 10（其中救灾6） 十 一万 NaN inf 1_000 12.345 12.3456 #DIV/0! 无 - / 9999999999.99 0x10 1.5.2 ¥¥3 元 万元 (12 12)"
).split() + ["", "1 234", " 12 ", "12 元"]
PERCENTS = "45 45% 0.45 0.5% 1 1% 100 100% 100.1 101% -1 -0.1 0 0% ４５％ 四成 约45 45%% % 1.0 1.01 99.99 无 #N/A abc".split() + ["", "45 %"]
COUNTS = "12 0 1 １２ 约12 12户 -1 1.5 十二 一 无 #VALUE! 12人 一二".split() + [""]
YEARS = "2020 2019 2021 ２０２０ 二〇二〇 20年 去年 无".split() + ["", ""]
IDS = (
    "430902196503121234 43090219650312104x 43090219650312104X 430902196503121235 430902650312123 43090219650312123 4309021965031212345 "
    "４３０９０２１９６５０３１２１２３４ 43090219650312123A '430902196503121234 无 / 不详 #REF! 430902********1234"
).split() + ["", "430902 19650312 1234"]
TEXTS = ["", "照片", "维修屋顶", "无", "／", "—", "第一行\n第二行", "属实\ufffd", "私用\ue000", LONG_TEXT, "=1+1", "@SUM(A1)", "13812345678", "短", "三个字", "四个字了"]
TEXTS += ["#REF!", "“引号”,逗号;分号\t制表", "  前后空格  "]
NAMES = ["张三", "张 三", "张三 李四", "李和平", "张和、李平", "张三、李四", "张三（副镇长、分管）", "张三（", "张三丰和李四光", "张及李", "欧阳修及司马光", "张三/李四"]
NAMES += ["张三；", "，张三", "张三;李四", LONG_NAME, "长" * 64, "", "无", "王\ufffd", "张三　李四", "张 三 李 四", "李和平、", "(张三)李四", "赵/", "#NAME?", "-"]
STRANGE_PLACES = ["沙头", "迎丰桥镇", "某村", "全镇", "全乡", "全街道", "无", "", "全村", "迎风桥镇迎风桥村", "合兴村", "永明村、", "#N/A"]
TOWNSHIPS = {"430902102": "迎风桥镇", "430902104": "沙头镇", "430902203": "张家塞乡"}
VILLAGES = {
    "430902102": ["迎丰桥社区", "迎风桥村", "新塘村", "鲜鱼塘村"],
    "430902104": ["海南塘社区", "永明村", "金桥村"],
    "430902203": ["窑园里社区", "金山村", "合兴村"],
}
VALID = {
    "问题台账": {"问题来源": "第一轮排查", "发现日期": "2020-06-04", "问题类别": "住房安全", "问题描述": "屋顶漏雨未修", "责任领导": "张三", "整改时限": "2020-06-20",
                 "整改状态": "整改到位", "完成日期": "2020-06-10", "整改措施": "维修屋顶", "印证资料": "照片", "撤销原因": "重复登记"},
    "资金台账": {"资金文号": "1号", "资金层级": "省级", "环节": "支出", "金额": "12", "发生日期": "2020-06-04", "项目编号": "XM-1"},
    "项目台账": {"项目名称": "机耕路", "项目类别": "基础设施", "计划总投资": "12", "中央资金": "12", "省级资金": "0", "市级资金": "0", "区级资金": "0",
                 "计划开工日期": "2020-04-01", "计划完工日期": "2020-06-20", "实际开工日期": "2020-04-02", "实际完工日期": "2020-06-01", "验收日期": "2020-06-04"},
}  # fmt: skip


@dataclass(frozen=True)
class RandomFile:
    """A ledger of one sender with its rows; `known` are the keys it uses that belong to somebody: key → township code, None for the office."""

    unit_code: str
    ledger: str
    report_on: date
    money_unit: str
    rows: list[dict[str, str]]
    known: dict[str, str | None]

    @property
    def table(self) -> list[list[str]]:
        """Header and rows as they stand in the file."""
        kinds = KINDS[self.ledger]
        header = [f"{column}({self.money_unit})" if kind == "money" else column for column, kind in kinds.items()]
        return [header, *([row.get(column, "") for column in kinds] for row in self.rows)]

    @property
    def name(self) -> str:
        """File name: it states the report date."""
        return f"{self.ledger}{self.report_on:%Y%m%d}.csv"


def random_file(rng: random.Random, unit_code: str, ledger: str, report_on: date, count: int) -> RandomFile:
    """A file of `count` rows, most with one to three odd cells. Keys are the file's own, so that no other file's verdict depends on it."""
    mark = f"{unit_code}{report_on:%m}"
    owners: Sequence[str | None] = (*TOWNSHIPS, None)
    known = {f"K{mark}-{number}": owners[number % len(owners)] for number in range(40)} if ledger != "资金台账" else {}
    unused, rows = list(known), []
    for number in range(count):
        row = {**VALID[ledger], KEY_COLUMN[ledger]: f"{mark}-{number}"}
        if unused and rng.random() < 0.15:
            row[KEY_COLUMN[ledger]] = unused.pop(rng.randrange(len(unused)))
        # Rules that ask for a state and an empty cell at once need some help to be broken.
        if rng.random() < 0.4 and (state := {"问题台账": "整改状态", "资金台账": "环节"}.get(ledger)):
            row[state] = rng.choice(list(WORDS[state]))
            row[{"问题台账": "整改措施", "资金台账": "资金文号"}[ledger]] = rng.choice(["", "有"])
        odd = rng.choices((0, 1, 2, 3, 6), (2, 6, 6, 4, 1))[0]
        for column in rng.sample(sorted(KINDS[ledger]), odd):
            row[column] = _cell(rng, ledger, column, unit_code, row)
        rows.append(row)
        if rng.random() < 0.06:
            rows.append(_copy(rng, ledger, unit_code, row))
    return RandomFile(unit_code, ledger, report_on, rng.choice(["元", "万元"]), rows, known)


def _copy(rng: random.Random, ledger: str, unit_code: str, row: dict[str, str]) -> dict[str, str]:
    """The same row once more, now and then with another cell: R08 or W08."""
    copy = dict(row)
    if rng.random() < 0.5:
        column = rng.choice(sorted(set(KINDS[ledger]) - {KEY_COLUMN[ledger]}))
        copy[column] = _cell(rng, ledger, column, unit_code, row)
    return copy


def _cell(rng: random.Random, ledger: str, column: str, unit_code: str, row: dict[str, str]) -> str:
    kind = KINDS[ledger][column]
    if column in {"责任领导", "户主姓名"}:
        return rng.choice(NAMES)
    match kind:
        case "key":
            own = row[KEY_COLUMN[ledger]]
            number = own.replace("-", "").strip("K")
            return rng.choice([own, f" {own} ", f"{number}.0", number, f"00{number}", own.lower(), "——", "", f"{own}-{LONG_NAME}", f"{own}\ufffd"])
        case "date":
            return rng.choice(DATES)
        case "money":
            return rng.choice(AMOUNTS)
        case "percent":
            return rng.choice(PERCENTS)
        case "count":
            return rng.choice(COUNTS)
        case "year":
            return rng.choice(YEARS)
        case "id":
            return rng.choice(IDS)
        case "word":
            return rng.choice([*WORDS[column], *WORDS[column], " " + rng.choice(list(WORDS[column])), "别的", "", "/", "#REF!"])
        case "place" if column == "乡镇":
            return rng.choice([*TOWNSHIPS.values(), TOWNSHIPS.get(unit_code, ""), "沙头", "迎丰桥镇", "无", "", "#N/A"])
        case "place":
            village = rng.choice(VILLAGES[rng.choice([*TOWNSHIPS, unit_code if unit_code in TOWNSHIPS else "430902102"])])
            committee = village.replace("村", rng.choice(["村委会", "村民委员会"])) if village.endswith("村") else village + "居委会"
            return rng.choice([village, village, committee, f"{village}、{rng.choice(VILLAGES['430902104'])}", *STRANGE_PLACES])
        case "name":
            return rng.choice(["机耕路", LONG_NAME, "长" * 64, "", "无", "路\ufffd", "三座桥、两条路"])
        case _:
            return rng.choice(TEXTS)
