"""What the district demands of a ledger, loaded from `expectations/` as frozen dataclasses.

Owns nothing: `expectations/` is the one place where columns, aliases and rules are written down, the seeds `ref_vocabulary` and
`ref_village_aliases` the one place of code lists. Whoever needs them (reader, gate, slip, template) gets them from here.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from duban.intake.words import fold
from duban.settings import Settings

#: What the reader of a cell can be asked for. `money` is yuan as Decimal, `percent` 0–100 as Decimal.
COLUMN_TYPES = frozenset(
    [
        "key",
        "text",
        "name",
        "person",
        "date",
        "money",
        "percent",
        "count",
        "year",
        "vocabulary",
        "township",
        "village",
        "villages",
        "id_number",
    ]
)


class ExpectationsInvalid(ValueError):
    """A file under `expectations/` says something that cannot be meant; the message names file and place."""


@dataclass(frozen=True)
class Column:
    """One column of a ledger. `name` is the identifier, `title` what clerks read; `aliases` are other spellings of the title."""

    name: str
    title: str
    type: str
    is_required: bool
    aliases: tuple[str, ...] = ()
    vocabulary: str | None = None
    help: str = ""

    @property
    def is_personal(self) -> bool:
        """True when the whole cell identifies a person of a household and is never shown outside the sender's own slip."""
        return self.name in {"holder_name", "id_number"}


@dataclass(frozen=True)
class Rule:
    """One row rule: `expect` is judged by Great Expectations on the rows in scope (`needs` readable, `when`, `when_filled`)."""

    id: str
    column: str
    reason: str
    fix: str
    expect: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    when_filled: tuple[str, ...] = ()


@dataclass(frozen=True)
class RuleText:
    """Id and wording of a rule that code decides: file rules, cell rules, findings."""

    id: str
    reason: str
    fix: str = ""


@dataclass(frozen=True)
class Ledger:
    """One kind of ledger: its columns, its rules, who may send it, the table its accepted rows go to."""

    name: str
    title: str
    key: str
    senders: tuple[str, ...]
    target: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by identifier."""
        return {column.name: column for column in self.columns}

    @cached_property
    def by_header(self) -> Mapping[str, Column]:
        """Columns by every spelling of their header, folded as headers are compared."""
        return {fold(text): column for column in self.columns for text in (column.title, *column.aliases)}


@dataclass(frozen=True)
class Layout:
    """A sender's own table: how its header maps onto a ledger, and what is constant for every row."""

    name: str
    sender: str
    ledger: str
    header: tuple[str, ...]
    total: Mapping[str, str]
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    report_on: date | None
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True)
class Vocabulary:
    """A code list: what may be written and what is stored, each word with the dates between which it may be used."""

    name: str
    words: Mapping[str, tuple[tuple[str, date | None, date | None], ...]]
    canonical: tuple[str, ...]

    def stored(self, text: str, on: date) -> str | None:
        """The stored value of `text` as of the report date, or None when it is not in the list then."""
        for stored, valid_from, valid_to in self.words.get(fold(text), ()):
            if (valid_from is None or valid_from <= on) and (valid_to is None or on <= valid_to):
                return stored
        return None


@dataclass(frozen=True)
class VillageAlias:
    """Another name of a village, used between two dates."""

    district_code: str
    alias: str
    village_code: str
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True)
class Expectations:
    """Everything under `expectations/`, and the code lists."""

    ledgers: Mapping[str, Ledger]
    cell_rules: Mapping[str, RuleText]
    file_rules: Mapping[str, RuleText]
    findings: Mapping[tuple[str, str], str]  # text by (id, case); most findings have one case, the empty one
    note_prefixes: tuple[str, ...]
    total_words: frozenset[str]
    layouts: tuple[Layout, ...]
    vocabularies: Mapping[str, Vocabulary]
    village_aliases: tuple[VillageAlias, ...]

    def wording(self, rule_id: str) -> RuleText:
        """Wording of a cell or file rule.

        Raises:
            KeyError: no such rule is declared.
        """
        return self.cell_rules.get(rule_id) or self.file_rules[rule_id]


def load_expectations(settings: Settings) -> Expectations:
    """Load and check everything under `expectations/`; cached per folder and process.

    Raises:
        ExpectationsInvalid: a rule names an unknown column, a type or vocabulary does not exist, an id stands twice.
    """
    return _load(settings.expectations, settings.dbt_project / "seeds")


@lru_cache(maxsize=4)
def _load(root: Path, seeds: Path) -> Expectations:
    vocabularies = _vocabularies(seeds / "ref_vocabulary.csv")
    ledgers = {}
    for path in sorted(root.glob("*/columns.csv")):
        ledger = _ledger(path.parent, vocabularies)
        ledgers[ledger.name] = ledger
    rows = _yaml(root / "rows" / "rules.yml")
    submissions = _yaml(root / "submissions" / "rules.yml")
    words, prefixes = submissions["total_words"], ["", *submissions["total_prefixes"]]
    return Expectations(
        ledgers=ledgers,
        cell_rules={rule["id"]: RuleText(**rule) for rule in rows["rules"]},
        file_rules={rule["id"]: RuleText(**rule) for rule in submissions["rules"]},
        findings={(rule["id"], rule.get("case", "")): rule["text"] for rule in submissions["findings"]},
        note_prefixes=tuple(submissions["note_prefixes"]),
        total_words=frozenset(prefix + word for prefix in prefixes for word in words),
        layouts=tuple(_layout(path, ledgers) for path in sorted((root / "layouts").glob("*.yml"))),
        vocabularies=vocabularies,
        village_aliases=tuple(
            VillageAlias(row["district_code"], fold(row["alias"]), row["village_code"], _date(row["valid_from"]), _date(row["valid_to"]))
            for row in _csv(seeds / "ref_village_aliases.csv")
        ),
    )


def _ledger(folder: Path, vocabularies: Mapping[str, Vocabulary]) -> Ledger:
    spec = _yaml(folder / "rules.yml")
    columns = tuple(
        Column(
            name=row["name"],
            title=row["title"],
            type=row["type"],
            is_required=row["required"] == "yes",
            aliases=tuple(filter(None, row["aliases"].split("|"))),
            vocabulary=row["vocabulary"] or None,
            help=row["help"],
        )
        for row in _csv(folder / "columns.csv")
    )
    for column in columns:
        if column.type not in COLUMN_TYPES:
            raise ExpectationsInvalid(f"{folder / 'columns.csv'}: {column.name}: unknown type {column.type!r}")
        if (column.type == "vocabulary") != (column.vocabulary is not None) or column.vocabulary not in {None, *vocabularies}:
            raise ExpectationsInvalid(f"{folder / 'columns.csv'}: {column.name}: unknown vocabulary {column.vocabulary!r}")
    names = {column.name for column in columns}
    rules = tuple(
        Rule(
            id=rule["id"],
            column=rule["column"],
            reason=rule["reason"],
            fix=rule["fix"],
            expect=rule["expect"],
            needs=tuple(rule.get("needs", ())),
            when={name: tuple(values) for name, values in rule.get("when", {}).items()},
            when_filled=tuple(rule.get("when_filled", ())),
        )
        for rule in spec["rules"]
    )
    for rule in rules:
        unknown = {rule.column, *rule.needs} - names
        if unknown:
            raise ExpectationsInvalid(f"{folder / 'rules.yml'}: {rule.id} names unknown columns {sorted(unknown)}")
    return Ledger(spec["ledger"], spec["title"], spec["key"], tuple(spec["senders"]), spec["target"], columns, rules)


def _layout(path: Path, ledgers: Mapping[str, Ledger]) -> Layout:
    spec = _yaml(path)
    if spec["ledger"] not in ledgers:
        raise ExpectationsInvalid(f"{path}: unknown ledger {spec['ledger']!r}")
    return Layout(
        name=spec["layout"],
        sender=spec["sender"],
        ledger=spec["ledger"],
        header=tuple(fold(text) for text in spec["match"]["header"]),
        total={fold(column): str(value) for column, value in spec["match"].get("total", {}).items()},
        columns={fold(theirs): ours for theirs, ours in spec["columns"].items()},
        constants=dict(spec.get("constants", {})),
        report_on=spec.get("report_on"),
        valid_from=spec.get("valid_from"),
        valid_to=spec.get("valid_to"),
    )


def _vocabularies(path: Path) -> dict[str, Vocabulary]:
    words: dict[str, dict[str, tuple]] = {}
    canonical: dict[str, dict[str, None]] = {}
    for row in _csv(path):
        entry = (row["stored"], _date(row["valid_from"]), _date(row["valid_to"]))
        of_word = words.setdefault(row["vocabulary"], {})
        of_word[fold(row["accepted"])] = (*of_word.get(fold(row["accepted"]), ()), entry)
        canonical.setdefault(row["vocabulary"], {})[row["canonical"]] = None
    return {name: Vocabulary(name, of_word, tuple(canonical[name])) for name, of_word in words.items()}


def _csv(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _yaml(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
