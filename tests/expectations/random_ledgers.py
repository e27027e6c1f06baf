"""Seeded random ledgers, right and wrong in every column, as CSV texts: what the differential test feeds to the gate and to the oracle.

Left out are cells that the rules leave open and the two read differently (tests/oracle/README.md lists them).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from tests.ledgers import LEDGERS
from tests.oracle.columns import KEY_COLUMN, KINDS, WORDS


def _expanded(text: str) -> str:
    return "长" * int(text[2:]) if text.startswith("长×") else text


POOLS = yaml.load(Path(__file__).with_name("random_cells.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
VALID = POOLS.pop("valid")
CELLS = {kind: [_expanded(text) for text in pool] for kind, pool in POOLS.items()}
LONG_NAME = "长" * 65
TOWNSHIPS = {"430902102": "迎风桥镇", "430902104": "沙头镇", "430902203": "张家塞乡"}
VILLAGES = {
    "430902102": ["迎丰桥社区", "迎风桥村", "新塘村", "鲜鱼塘村"],
    "430902104": ["海南塘社区", "永明村", "金桥村"],
    "430902203": ["窑园里社区", "金山村", "合兴村"],
}


@dataclass(frozen=True)
class RandomFile:
    """A ledger of one sender with its rows; `known`: the keys it uses that belong to somebody, with township code (None: the office)."""

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
    is_visits = ledger == "督导记录"
    mark = f"{unit_code}{report_on:%m}"
    owners: Sequence[str | None] = (*TOWNSHIPS, None)
    count_known = 40 if ledger in {"问题台账", "项目台账", "督导记录"} else 0
    known = {f"K{mark}-{number}": owners[number % len(owners)] for number in range(count_known)}
    unused, rows = list(known), []
    for number in range(count):
        row = {**VALID.get(ledger, LEDGERS[ledger].row), KEY_COLUMN[ledger]: f"{mark}-{number}"}
        if is_visits and rng.random() < 0.7:
            row["问题编号"], row["核查结论"] = rng.choice([*known, "没有", ""]), rng.choice(list(WORDS["核查结论"]))
            row["乡镇"] = rng.choice([TOWNSHIPS.get(known.get(row["问题编号"]) or "", ""), *TOWNSHIPS.values()])
        elif not is_visits and unused and rng.random() < 0.15:
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
        return rng.choice(CELLS["person"])
    match kind:
        case "key":
            own = row[KEY_COLUMN[ledger]]
            digits = own.replace("-", "").strip("K")
            others = [f" {own} ", f"{digits}.0", digits, f"00{digits}", own.lower(), "——", "", f"{own}-{LONG_NAME}", f"{own}\ufffd"]
            others += [
                own.replace("-", "–"),
                own.replace("-", "−"),
                f"'{own}",
                f'="{own}"',
                "6月1日",
                "2020/6/1",
                "1.2E+11",
                "TRUE",
                "同上",
            ]
            others += [" " * 30 + own + " " * 30]
            return rng.choice([own, *others])
        case "word":
            words = list(WORDS[column])
            return rng.choice([*words, *words, f" {rng.choice(words)}", "别的", "", "/", "#REF!"])
        case "township":
            return rng.choice([*TOWNSHIPS.values(), TOWNSHIPS.get(unit_code, ""), *CELLS["township"]])
        case "village" | "villages":
            village = rng.choice(VILLAGES[rng.choice([*TOWNSHIPS, unit_code if unit_code in TOWNSHIPS else "430902102"])])
            committee = village.replace("村", rng.choice(["村委会", "村民委员会"])) if village.endswith("村") else village + "居委会"
            return rng.choice([village, village, committee, f"{village}、{rng.choice(VILLAGES['430902104'])}", *CELLS["village"]])
        case _:
            return rng.choice(CELLS[kind])
