"""Every ledger as the tests need it, said once: a right row, who sends it, and a pair of rows per rule.

What a ledger is stands in `expectations/<ledger>/`; it is read here without the code under test. What tests must know besides stands in
`<ledger>.yml` beside this file (README.md describes it). Whoever needs rows of every ledger takes them from here; `test_registry.py`
names a ledger that is missing somewhere.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from duban.settings import PROJECT

TOWNSHIP, OTHER, OFFICE, GROUP = "430902102", "430902104", "430902000", "430902-D1"
UNITS = {"迎风桥镇": TOWNSHIP, "沙头镇": OTHER, "办公室": OFFICE, "督导组": GROUP}
KINDS = {"township": (TOWNSHIP, OTHER), "office": (OFFICE,), "group": (GROUP,)}
EXPECTATIONS, ROWS = PROJECT / "expectations", Path(__file__).parent
VOCABULARY = PROJECT / "dbt_project" / "seeds" / "ref_vocabulary.csv"
ID_NUMBER = "430902196503121234"
REPORT_DATE = "20200624"

# Types of columns that identify somebody of a household, whatever columns.csv says of it.
IDENTITIES = ("id_number", "certificate")
PLACES = {
    TOWNSHIP: {"township": "迎风桥镇", "village": "迎风桥村", "villages": "迎风桥村"},
    OTHER: {"township": "沙头镇", "village": "永明村", "villages": "永明村"},
}

# What is right in a column of a type, and what is wrong, with the rule that says so.
RIGHT_CELLS = {
    "text": "屋顶漏雨未修",
    "name": "机耕路",
    "person": "张三",
    "date": "2020-06-04",
    "month": "2020-06",
    "year": "2020",
    "money": "1.5",
    "number": "1.5",
    "percent": "45",
    "count": "12",
    **PLACES[TOWNSHIP],
    "id_number": ID_NUMBER,
    "certificate": ID_NUMBER,
}
WRONG_CELLS = {
    "key": ("R10", "编号\ufffd"),
    "text": ("R10", "漏雨\ufffd"),
    "name": ("R10", "机耕\ufffd"),
    "person": ("R10", "张?"),
    "date": ("R02", "2020年6月31日"),
    "month": ("R02", "2020年13月"),
    "year": ("R03", "去年"),
    "money": ("R03", "约12"),
    "number": ("R03", "约12"),
    "percent": ("R03", "四成"),
    "count": ("R03", "约12"),
    "vocabulary": ("R04", "没有的词"),
    "village": ("R05", "没有的村"),
    "villages": ("R05", "没有的村"),
    "id_number": ("R07", "430902196503121235"),
    "certificate": ("R07", "430902196503121235"),
}


@dataclass(frozen=True)
class Column:
    """A column as `columns.csv` describes it; `personal` is `yes` for people of households, `officials` for people in their office."""

    name: str
    title: str
    type: str
    is_required: bool
    vocabulary: str
    personal: str
    aliases: tuple[str, ...]

    @property
    def is_personal(self) -> bool:
        """True when its cells name or identify somebody of a household."""
        return self.personal == "yes" or self.type in IDENTITIES

    @property
    def header(self) -> str:
        """What stands above it in a file: the title, of money with its unit."""
        return f"{self.title}(万元)" if self.type == "money" else self.title


@dataclass(frozen=True)
class Pair:
    """Two rows that differ in one cell; one is accepted, the other breaks `rule`. By column titles."""

    ledger: Entry
    rule: str
    unit: str
    cell: str
    passes: Mapping[str, str]
    fails: Mapping[str, str]
    rejects: frozenset[tuple[str, str]]
    twin: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """What the pair is about."""
        return f"{self.rule}-{self.ledger.title}-{self.cell}"


@dataclass(frozen=True)
class Entry:
    """A ledger: its columns, its rules as (id, column title), what is right in it, who sends it.

    `key` is the title of the key column, `key_scope` the column of the raw table `table_name` within which a key is one and the same.
    `row` holds a right row without its key, by column title; `known` rows that are sent before all others, with their unit.
    """

    name: str
    title: str
    key: str
    key_name: str
    key_scope: str
    table_name: str
    columns: tuple[Column, ...]
    rules: tuple[tuple[str, str], ...]
    senders: tuple[str, ...]
    is_demanded: bool
    withdraws: str | None
    row: Mapping[str, str]
    known: tuple[tuple[str, Mapping[str, str]], ...]
    own_pairs: tuple[Mapping[str, Any], ...]

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles of all columns."""
        return tuple(column.title for column in self.columns)

    @property
    def units(self) -> tuple[str, ...]:
        """Units that may send it."""
        return tuple(unit for kind in self.senders for unit in KINDS[kind])

    @property
    def personal(self) -> tuple[Column, ...]:
        """Columns whose cells name somebody of a household."""
        return tuple(column for column in self.columns if column.is_personal)

    def row_of(self, unit: str) -> dict[str, str]:
        """The right row as a unit sends it: what names a place names one of its own."""
        own = PLACES.get(unit, PLACES[TOWNSHIP])
        return {**self.row, **{column.title: own[column.type] for column in self.of_type(*own) if self.row.get(column.title)}}

    def of_type(self, *types: str) -> tuple[Column, ...]:
        """Columns of these types."""
        return tuple(column for column in self.columns if column.type in types)

    def table(self, *rows: Mapping[str, str]) -> list[list[str]]:
        """Header and rows of a file, with all columns."""
        return [[column.header for column in self.columns], *([row.get(title, "") for title in self.titles] for row in rows)]

    @property
    def pairs(self) -> Iterator[Pair]:
        """The pairs that are written down, and for each column one that follows from its type."""
        for pair in self.own_pairs:
            cell, base = pair["cell"], {**self.row, **pair.get("with", {})}
            rejects = {tuple(entry.split(" ", 1)) for entry in pair.get("rejects", [f"{pair['rule']} {cell}"])}
            unit = UNITS[pair["sender"]] if "sender" in pair else self.units[0]
            rows = {**base, cell: pair["passes"]}, {**base, cell: pair["fails"]}
            yield Pair(self, pair["rule"], unit, cell, *rows, frozenset(rejects), pair.get("twin"))
        for column in self.columns:
            wrong = [WRONG_CELLS[column.type]] if column.type in WRONG_CELLS else []
            for rule, text in [*wrong, ("R09", "#REF!"), *([("R01", "")] if column.is_required else [])]:
                fails = {**self.row, column.title: text}
                yield Pair(self, rule, self.units[0], column.title, self.row, fails, frozenset({(rule, column.title)}))


def load(expectations: Path = EXPECTATIONS, rows: Path = ROWS) -> dict[str, Entry]:
    """The ledgers of a folder of rules by title, with what `<ledger>.yml` in `rows` says of them, if there is one."""
    entries = (_read(folder.parent, rows / f"{folder.parent.name}.yml") for folder in sorted(expectations.glob("*/columns.csv")))
    return {entry.title: entry for entry in entries}


def _read(folder: Path, rows: Path) -> Entry:
    rules = yaml.load((folder / "rules.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
    said = yaml.load(rows.read_text(encoding="utf-8"), yaml.BaseLoader) if rows.exists() else {}
    with open(folder / "columns.csv", encoding="utf-8", newline="") as file:
        columns = tuple(
            Column(
                line["name"],
                line["title"],
                line["type"],
                line["required"] == "yes",
                line["vocabulary"],
                line.get("personal", ""),
                tuple(filter(None, line["aliases"].split("|"))),
            )
            for line in csv.DictReader(file)
        )
    titles = {column.name: column.title for column in columns}
    row = {column.title: right_cell(column) for column in columns if column.is_required and column.name != rules["key"]}
    return Entry(
        name=folder.name,
        title=rules["title"],
        key=titles[rules["key"]],
        key_name=rules["key"],
        key_scope="unit_code" if rules.get("key_scope") == "unit" else "district_code",
        table_name=rules.get("table", f"{folder.name}_versions"),
        columns=columns,
        rules=tuple((rule["id"], titles[rule["column"]]) for rule in rules.get("rules", ())),
        senders=tuple(rules["senders"]),
        is_demanded=rules.get("demanded") == "true",
        withdraws=titles.get(rules.get("withdraw")),
        row={**row, **said.get("row", {})},
        known=tuple((UNITS[entry["sender"]], entry["cells"]) for entry in said.get("known", ())),
        own_pairs=tuple(said.get("pairs", ())),
    )


def right_cell(column: Column) -> str:
    """What is right in a column of its type; of a code list its first word."""
    return _first_words()[column.vocabulary] if column.type == "vocabulary" else RIGHT_CELLS[column.type]


@cache
def _first_words() -> Mapping[str, str]:
    with open(VOCABULARY, encoding="utf-8", newline="") as file:
        return {line["vocabulary"]: line["canonical"] for line in reversed(list(csv.DictReader(file)))}


LEDGERS = load()
