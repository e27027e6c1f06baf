"""What the district demands of a ledger, loaded from `expectations/` as frozen dataclasses.

Owns nothing: `expectations/` is the one place where columns, aliases and rules are written down, the seeds `ref_vocabulary` and
`ref_village_aliases` the one place of code lists. Whoever needs them (reader, gate, slip, template) gets them from here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from graphlib import CycleError, TopologicalSorter
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from duban.row_rules import BESIDE, BESIDE_KEYS, faults, kind_of
from duban.settings import Settings
from duban.text.names import NameWords
from duban.text.words import fold, sign

#: What the reader of a cell can be asked for. `money` is yuan as Decimal, `percent` 0–100 as Decimal.
COLUMN_TYPES = frozenset(
    ["key", "text", "name", "person", "date", "money", "percent", "count", "year", "vocabulary", "township", "village", "villages"]
    + ["id_number", "month", "number", "certificate"]
)
#: Types of numbers that a person is known by: of the first 18 characters the key of the household is made.
CERTIFICATES = frozenset(["id_number", "certificate"])
_TEXTS = frozenset(["text", "name", "person"])
_PLACES = frozenset(["township", "village", "villages"])

#: What a header may give as the unit of money, and what it is in yuan.
MONEY_UNITS = {"元": Decimal(1), "万元": Decimal(10_000)}
_LONGEST_TOTAL = 16
# What may stand around the name of a column: signs that it is required, a colon, hints and units in brackets or behind a stroke.
_MARKS = "*★☆※●▲△◆:"
_BRACKETED = re.compile(r"[(\[【〔<]([^()\[\]【】〔〕<>]*)[)\]】〕>]$")
_BRACKETED_FIRST = re.compile(r"^[(\[【〔<]([^()\[\]【】〔〕<>]*)[)\]】〕>]")
_BEHIND_STROKE = re.compile(r"[/,、]((?:单位:?)?(?:人民币)?(?:万元|元))$")
# Without any of these a header has one form.
_AROUND = re.compile(rf"[{_MARKS}(\[【〔</,、]")
_NOTE_PARTS = re.compile(r"[,;、:/\s]+")
_UNIT_LABEL = re.compile("^(?:金额)?(?:单位)?(?:人民币)?")
# A unit that is none of ours, in a note: the numbers below are not what they look like.
_OTHER_UNIT = re.compile(r"[十百千亿]万?元|[万亿千百]$|万[人户亩吨]|[千百亿][人户]|美元|欧元|^[角分]$|‰")
# Words by which a note in brackets makes another column of it.
_OTHER_COLUMN = re.compile(r"^(?:原|拟|旧|上[期月年次]|去年|本[期月]|累计)|计划|预计|预期|以前")
_HINT_NOTE = re.compile(r"[必选可]填|不填|请|填|选|格式|如|例|文本|数字|日期|唯一")


class ExpectationsInvalid(ValueError):
    """A file under `expectations/` says something that cannot be meant; the message names file and place."""


def _refuse(wrong: object, said: str) -> None:
    if wrong:
        raise ExpectationsInvalid(said)


@dataclass(frozen=True)
class Column:
    """One column of a ledger. `name` is the identifier, `title` what clerks read; `aliases` are other spellings of the title.

    `is_personal`: the whole cell identifies a person of a household and is never shown outside the sender's own slip. `names_officials`:
    the cell names persons in their office, who are shown whatever household heads are called.
    """

    name: str
    title: str
    type: str
    is_required: bool
    aliases: tuple[str, ...] = ()
    vocabulary: str | None = None
    help: str = ""
    is_personal: bool = False
    names_officials: bool = False

    @property
    def is_certificate(self) -> bool:
        """True when the cell holds the number that a person is known by."""
        return self.type in CERTIFICATES

    @property
    def is_free_text(self) -> bool:
        """True when names of household heads may stand in the cell, and are masked there."""
        return self.type in _TEXTS and not self.is_personal and not self.names_officials


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
    """Id and wording of a rule that code decides: file rules, cell rules, findings. `fix_of`: the remedy where it is another one for a
    type of column.
    """

    id: str
    reason: str
    fix: str = ""
    fix_of: Mapping[str, str] = field(default_factory=dict)

    def fix_for(self, column_type: str) -> str:
        """How to put right a cell of that type."""
        return self.fix_of.get(column_type, self.fix)


@dataclass(frozen=True)
class Reference:
    """A column that names a row of another ledger by its column `by`. The rules see `<column>_is_known` and `<column>_township`: as of the
    report date of the row, or as the referred row is known when the row is judged (`is_newest`).
    """

    column: str
    ledger: str
    by: str
    is_newest: bool = False

    def asked_of(self, report_on: date) -> date:
        """The day as of which a row with this report date is judged."""
        return date.max if self.is_newest else report_on


@dataclass(frozen=True)
class Derivation:
    """What a ledger lets stand beside its rows, or fills in: `kind` says how it is made `of` columns (or of a constant)."""

    kind: str
    of: Any


@dataclass(frozen=True)
class Ledger:
    """One kind of ledger: its columns and rules, who may send it, whose its rows are, where accepted rows go. The head of its `rules.yml`,
    key by key: expectations/README.md.
    """

    name: str
    title: str
    key: str
    senders: tuple[str, ...]
    table: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    key_scope: str = "district"
    township: str = "owner"
    owner_rule: str | None = None
    withdraw: str | None = None
    withdrawing_values: tuple[str, ...] = ()  # empty: whatever stands in the column `withdraw`
    withdraw_by: str = "sender"
    references: tuple[Reference, ...] = ()
    grain: str = "raw"
    order: int | None = None
    is_demanded: bool = False
    stale_after_days: int | None = None
    derived: Mapping[str, Derivation] = field(default_factory=dict)
    defaults: Mapping[str, Derivation] = field(default_factory=dict)
    as_written: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def target(self) -> str:
        """The table of all its versions, with its schema."""
        return f"{'households' if self.grain == 'household' else 'raw'}.{self.table}"

    @cached_property
    def noun(self) -> str:
        """What its rows are called."""
        return self.title.removesuffix("台账")

    @cached_property
    def key_column(self) -> str:
        """Where its key is stored: the key of a ledger of villages is the code of the village."""
        return "village_code" if self.by_name[self.key].type == "village" else self.key

    @cached_property
    def owns_by_township(self) -> bool:
        """True when a unit answers for the rows of its township, whoever sent them; else for those that it sent itself."""
        return self.key_scope == "district" and self.township == "owner" and "township" in self.senders

    @cached_property
    def holders(self) -> tuple[Column, ...]:
        """The columns that name household heads."""
        return tuple(column for column in self.columns if column.is_personal and not column.is_certificate)

    @cached_property
    def certificate(self) -> Column | None:
        """The column by whose number the household is known."""
        return next((column for column in self.columns if column.is_certificate), None)

    @cached_property
    def place_columns(self) -> tuple[Column, ...]:
        """The columns that name villages."""
        return tuple(column for column in self.columns if column.type in {"village", "villages"})

    @cached_property
    def free_texts(self) -> tuple[str, ...]:
        """The stored columns in which names are masked, also when they come later: the index of pairs is made of them, in this order."""
        written = [(source, name) for name, source in self.as_written.items()]
        own = [(column.name, column.name) for column in self.columns if column.is_free_text]
        return tuple(name for column in self.columns for source, name in own + written if source == column.name)

    def township_stored(self, township_code: str | None, district_code: str) -> str | None:
        """Under which township a row is kept: what belongs to none, where each row belongs to somebody, is the district's."""
        return f"{district_code}000" if township_code is None and self.township in {"owner", "referred"} else township_code

    def is_withdrawn(self, row: Mapping[str, Any]) -> bool:
        """True when the values of a row withdraw it."""
        value = row[self.withdraw] if self.withdraw else None
        return value in self.withdrawing_values if self.withdrawing_values else value is not None

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by identifier."""
        return {column.name: column for column in self.columns}

    @cached_property
    def by_header(self) -> Mapping[str, Column]:
        """Columns by every spelling of their header, folded as headers are compared."""
        return {fold(text): column for column in self.columns for text in (column.title, *column.aliases)}

    def column_of(self, header: str) -> HeaderName:
        """What a (folded) header names: `*金额(单位:万元)` is the column 金额 in 万元; nothing for an unknown one."""
        for text, notes in header_forms(header):
            if column := self.by_header.get(text):
                return _named_by(column, notes)
        return HeaderName(None, None, True)


class HeaderName(NamedTuple):
    """The column that a header names, None for an unknown one; the unit of money it carries; and whether it names just that: a bracket
    that is neither unit nor hint may make another column of it.
    """

    column: Column | None
    unit: str | None
    is_exact: bool


def name_a_column(headers: Iterable[str], names: frozenset[str]) -> bool:
    """True when one of the (folded) headers is one of the names, whatever stands around it. Most texts are none: they cost a look-up."""
    if not names.isdisjoint(headers):
        return True
    return any(form in names for header in filter(_AROUND.search, headers) for form, _ in header_forms(header))


def header_forms(header: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A (folded) header as it is, then with less and less of what may stand around the name of a column, each with the notes left aside."""
    yield header, ()
    text, notes = header.strip(_MARKS), ()
    while True:
        yield text, notes
        if found := _BRACKETED.search(text) or _BEHIND_STROKE.search(text):
            text, notes = text[: found.start()].strip(_MARKS), (*notes, found[1])
        elif found := _BRACKETED_FIRST.match(text):
            text, notes = text[found.end() :].strip(_MARKS), (*notes, found[1])
        else:
            return


def _named_by(column: Column, notes: tuple[str, ...]) -> HeaderName:
    parts = _note_parts(notes)
    if any(_OTHER_COLUMN.search(note) for note in notes):
        return HeaderName(None, None, True)
    units = {part for part in parts if part in MONEY_UNITS}
    if column.type in {"money", "count", "percent", "number"} and (len(units) > 1 or any(_OTHER_UNIT.search(part) for part in parts)):
        return HeaderName(None, None, True)
    is_exact = all(_HINT_NOTE.search(part) or part in MONEY_UNITS or len(part) == 1 for part in parts)
    return HeaderName(column, units.pop() if units and column.type == "money" else None, is_exact)


def _note_parts(notes: tuple[str, ...]) -> list[str]:
    parts = (_UNIT_LABEL.sub("", part) for note in notes for part in _NOTE_PARTS.split(note))
    return [part for part in parts if part]


def unit_in_header(header: str) -> str | None:
    """The unit of money that a (folded) header carries."""
    units = {part for _, notes in header_forms(header) for part in _note_parts(notes)} & {*MONEY_UNITS}
    return units.pop() if len(units) == 1 else None


def is_within(on: date, first: date | None, last: date | None) -> bool:
    """True for a day between two days, themselves included; None is no bound."""
    return (first is None or first <= on) and (last is None or on <= last)


class Collapse(NamedTuple):
    """Rows that are one of ours: those with one value in the column `by`. The row whose columns read as in `keep` gives the cells, the
    number of rows goes into our column `count_into`.
    """

    by: str
    keep: Mapping[str, str]
    count_into: str


@dataclass(frozen=True)
class Layout:
    """A sender's own table: how its header maps onto a ledger, and what is constant for every row (expectations/README.md, A layout).

    Titles are the sender's, folded, None where a cell of the header is blank; everything else goes by the names of our columns.
    """

    name: str
    sender: str
    ledger: str
    header: tuple[tuple[str | None, ...], ...]
    total: Mapping[str, Decimal]
    sum: Mapping[str, Decimal]
    columns: Mapping[str, tuple[str, ...]]
    split: Mapping[str, tuple[re.Pattern[str], tuple[str, ...]]]
    factors: Mapping[str, Decimal]
    constants: Mapping[str, str]
    collapse: Collapse | None
    key_prefix: str
    skip: tuple[re.Pattern[str], ...]
    report_on: date | None
    valid_from: date | None
    valid_to: date | None

    @cached_property
    def titles(self) -> tuple[str, ...]:
        """One title per column: the cells of all header rows, joined."""
        return tuple("".join(filter(None, cells)) for cells in zip_longest(*self.header))

    def is_valid(self, on: date) -> bool:
        """True when the layout is in use on that day."""
        return is_within(on, self.valid_from, self.valid_to)


@dataclass(frozen=True)
class Vocabulary:
    """A code list: what may be written and what is stored, each word with the dates between which it may be used."""

    name: str
    words: Mapping[str, tuple[tuple[str, date | None, date | None], ...]]
    canonical: tuple[str, ...]

    def stored(self, text: str, on: date) -> str | None:
        """The stored value of `text` as of the report date, or None when it is not in the list then."""
        return next((stored for stored, *days in self.words.get(fold(text), ()) if is_within(on, *days)), None)


@dataclass(frozen=True)
class VillageAlias:
    """Another name of a village, used between two dates."""

    district_code: str
    alias: str
    village_code: str
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True)
class RowWords:
    """By which words a row without a key is told: a total, an example, how to fill a column, what stands below a table.

    `covers` says of each word of a total which rows it covers; `counters` are titles of columns that only count the rows.
    """

    total: re.Pattern[str]
    like_total: re.Pattern[str]
    covers: Mapping[str, str]
    example: re.Pattern[str]
    hint: re.Pattern[str]
    footer: re.Pattern[str]
    counters: frozenset[str]

    def is_like_total(self, text: str) -> bool:
        """True for a short (folded) text that begins or ends with a word of totals: 中央资金合计, 合计12笔."""
        return 0 < len(text) <= _LONGEST_TOTAL and self.like_total.search(text) is not None


@dataclass(frozen=True)
class Words:
    """Words that stand where a value is asked for, as `sign` compares them: for nothing; for what stands elsewhere or is not yet known;
    and, beside the name of a person, for an office.
    """

    blank: frozenset[str]
    no_value: frozenset[str]
    office: re.Pattern[str]

    @cached_property
    def longest_blank(self) -> int:
        """How long a word for nothing is at most."""
        return max(map(len, self.blank), default=0)


@dataclass(frozen=True)
class Expectations:
    """Everything under `expectations/`, and the code lists."""

    ledgers: Mapping[str, Ledger]
    cell_rules: Mapping[str, RuleText]
    file_rules: Mapping[str, RuleText]
    words: Words
    findings: Mapping[tuple[str, str], str]  # text by (id, case); most findings have one case, the empty one
    note_prefixes: tuple[str, ...]
    row_words: RowWords
    layouts: tuple[Layout, ...]
    vocabularies: Mapping[str, Vocabulary]
    village_aliases: tuple[VillageAlias, ...]
    name_words: NameWords

    @cached_property
    def titles_of_officials(self) -> frozenset[str]:
        """Titles of the columns that name persons in their office."""
        return frozenset(column.title for ledger in self.ledgers.values() for column in ledger.columns if column.names_officials)

    @cached_property
    def header_names(self) -> frozenset[str]:
        """Every column name a header may carry, folded, without what may stand around it (`header_forms`)."""
        names = {name for ledger in self.ledgers.values() for name in ledger.by_header}
        return frozenset(names.union(*(filter(None, row) for layout in self.layouts for row in layout.header)))

    def wording(self, rule_id: str) -> RuleText:
        """Wording of a cell or file rule.

        Raises:
            KeyError: no such rule is declared.
        """
        return self.cell_rules.get(rule_id) or self.file_rules[rule_id]


def load_expectations(settings: Settings) -> Expectations:
    """Load and check everything under `expectations/` and the code lists that the settings point at.

    Raises:
        ExpectationsInvalid: a rule names an unknown column or compares what cannot be compared exactly, a type or vocabulary does not
            exist, an id stands twice, a key is missing, a file is no YAML.
    """
    return read_expectations(settings.expectations, settings.seeds)


@lru_cache(maxsize=4)
def read_expectations(root: Path, seeds: Path) -> Expectations:
    """The same from two folders, for a process without settings; cached per folder and process."""
    vocabularies = _vocabularies(seeds / "ref_vocabulary.csv")
    ledgers = {}
    for path in sorted(root.glob("*/columns.csv")):
        with _named(path.parent):
            ledgers[path.parent.name] = _ledger(path.parent, vocabularies)
    ledgers = _with_references(ledgers, root)
    known = {"ledgers": _titles_of(ledgers.values()), "senders": _who_sends(ledgers.values())}
    with _named(rows := root / "rows" / "rules.yml"):
        spec = _yaml(rows)
        cell_rules = {rule["id"]: RuleText(**rule) for rule in spec["rules"]}
        words = Words(_signs(spec["blank_words"]), _signs(spec["no_values"]), _offices(spec["office_words"], spec["office_prefixes"]))
    layouts = tuple(read_layout(path, ledgers) for path in sorted((root / "layouts").glob("*.yml")))
    aliases = _csv(seeds / "ref_village_aliases.csv")
    with _named(submissions := root / "submissions" / "rules.yml"):
        spec = _yaml(submissions)
        return Expectations(
            ledgers=ledgers,
            cell_rules=cell_rules,
            words=words,
            file_rules={rule["id"]: RuleText(**{**rule, "fix": rule["fix"].format(**known)}) for rule in spec["rules"]},
            findings={(rule["id"], rule.get("case", "")): rule["text"] for rule in spec["findings"]},
            note_prefixes=tuple(spec["note_prefixes"]),
            row_words=_row_words(spec),
            layouts=layouts,
            vocabularies=vocabularies,
            village_aliases=tuple(
                VillageAlias(row["district_code"], fold(row["alias"]), row["village_code"], *_days(row)) for row in aliases
            ),
            name_words=read_name_words(root),
        )


_UNIT_KINDS = {"township": "乡镇", "office": "区级办公室", "group": "督导组"}


def in_order(ledgers: Iterable[Ledger]) -> list[Ledger]:
    """The ledgers as they are listed for people: those with an `order` first, in it."""
    return sorted(ledgers, key=lambda ledger: (ledger.order is None, ledger.order, ledger.name))


def _titles_of(ledgers: Iterable[Ledger]) -> str:
    *first, last = [ledger.title for ledger in in_order(ledgers)]
    return "或".join(filter(None, ("、".join(first), last)))


def _who_sends(ledgers: Iterable[Ledger]) -> str:
    """Who sends which ledgers: 乡镇和区级办公室报问题、资金、项目台账；督导组只报督导记录."""
    by_senders: dict[tuple[str, ...], list[str]] = {}
    for ledger in in_order(ledgers):
        by_senders.setdefault(tuple(kind for kind in _UNIT_KINDS if kind in ledger.senders), []).append(ledger.title)
    named = [kind for senders in by_senders for kind in senders]
    said, seen = [], set()
    for senders, titles in by_senders.items():
        is_all = len(titles) == 1 and all(named.count(kind) == 1 for kind in senders)
        verb = "另报" if seen & {*senders} else "只报" if is_all else "报"
        said.append(f"{'和'.join(_UNIT_KINDS[kind] for kind in senders)}{verb}{_joined(titles)}")
        seen |= {*senders}
    return "；".join(said)


def _joined(titles: Sequence[str]) -> str:
    """Titles one after the other; 台账 is said once, behind those that end so."""
    short = [title.removesuffix("台账") for title in titles if title.endswith("台账")]
    others = [title for title in titles if not title.endswith("台账")]
    return "、".join(filter(None, ("、".join(short) + "台账" if short else "", *others)))


def _row_words(spec: Mapping[str, Any]) -> RowWords:
    totals, examples = "|".join(spec["total_words"]), "|".join(spec["example_words"])
    brackets = r"(?:\([^()]*\))?"
    return RowWords(
        total=re.compile(rf"(?:{'|'.join(spec['total_prefixes'])})?(?P<word>{totals}){brackets}:?{brackets}"),
        like_total=re.compile(rf"^(?:{totals})|(?:{totals})(?:{brackets}:?)$"),
        covers=spec["total_words"],
        example=re.compile(rf"[(\[【]?(?:{examples})[)\]】]?[-:]?\d*[)\]】]?:?"),
        hint=re.compile("|".join(spec["hint_words"])),
        footer=re.compile("|".join(spec["footers"])),
        counters=frozenset(map(fold, spec["counter_titles"])),
    )


def _signs(words: list[str]) -> frozenset[str]:
    """The words as typed cells have them (folded) and as free text does."""
    return frozenset(sign(text) for word in words for text in (word, fold(word)))


def _offices(words: list[str], prefixes: list[str]) -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(map(re.escape, prefixes))})*(?:{'|'.join(map(re.escape, words))})")


@lru_cache(maxsize=4)
def read_name_words(root: Path) -> NameWords:
    """By what a name is told from a word, from the folder of the rules; cached per folder and process."""
    with _named(path := root / "names" / "words.yml"):
        return NameWords.of(_yaml(path))


_MUST = {"ledger": str, "title": str, "key": str, "senders": list, "rules": list}
_MAY = {
    **dict.fromkeys(("table", "key_scope", "township", "owner_rule", "withdraw", "withdraw_by", "grain"), str),
    **{"withdraw_values": list, "references": list, "order": int, "stale_after_days": int, "demanded": bool},
    **dict.fromkeys(("derived", "defaults", "as_written"), dict),
}
_AS_OF = ["report_date", "newest"]
_RULE_MAY = {"needs": list, "when": dict, "when_filled": list}
_CHOICES = {
    "key_scope": ("district", "unit"),
    "township": ("owner", "referred", "named", "none"),
    "withdraw_by": ("sender", "office"),
    "grain": ("raw", "household"),
}
#: What can stand beside a row, and of which kind it is; and what a blank cell can be filled with.
_DERIVED = {"persons": "number", "sum": "number", "campaign": "text"}
_DEFAULTS = frozenset(["year_of", "value"])


def _ledger(folder: Path, vocabularies: Mapping[str, Vocabulary]) -> Ledger:
    path = folder / "rules.yml"
    spec = _keys(_yaml(path), str(path), _MUST, _MAY)
    columns = tuple(_columns(folder / "columns.csv", vocabularies))
    head: dict[str, Any] = {name: spec[name] or choices[0] for name, choices in _CHOICES.items()}
    for name, choices in _CHOICES.items():
        _refuse(head[name] not in choices, f"{path}: {name}: {head[name]!r} is none of {[*choices]}")
    ledger = Ledger(
        name=folder.name,
        senders=tuple(spec["senders"]),
        table=spec["table"] or f"{folder.name}_versions",
        columns=columns,
        rules=tuple(_rule(entry, f"{path}: rules") for entry in spec["rules"]),
        withdrawing_values=tuple(spec["withdraw_values"] or ()),
        references=tuple(_reference(entry, f"{path}: references") for entry in spec["references"] or ()),
        is_demanded=bool(spec["demanded"]),
        derived=_derivations(spec["derived"], _DERIVED, f"{path}: derived"),
        defaults=_derivations(spec["defaults"], _DEFAULTS, f"{path}: defaults"),
        as_written=spec["as_written"] or {},
        **head,
        **{key: spec[key] for key in ("title", "key", "owner_rule", "withdraw", "order", "stale_after_days")},
    )
    _refuse(spec["ledger"] != folder.name, f"{path}: ledger: {spec['ledger']!r} lies in the folder {folder.name}")
    _check_head(ledger, path)
    _check_rules(ledger, path)
    return ledger


def _rule(entry: Any, place: str) -> Rule:
    spec = _keys(entry, place, dict.fromkeys(("id", "column", "reason", "fix"), str) | {"expect": dict}, _RULE_MAY)
    when = {name: tuple(values) for name, values in (spec["when"] or {}).items()}
    return Rule(**{**spec, "when": when, "needs": tuple(spec["needs"] or ()), "when_filled": tuple(spec["when_filled"] or ())})


def _columns(path: Path, vocabularies: Mapping[str, Vocabulary]) -> Iterator[Column]:
    for row in _csv(path):
        personal = row.get("personal") or ""
        column = Column(
            name=row["name"],
            title=row["title"],
            type=row["type"],
            is_required=row["required"] == "yes",
            aliases=tuple(filter(None, row["aliases"].split("|"))),
            vocabulary=row["vocabulary"] or None,
            help=row["help"],
            is_personal=personal == "yes" or row["type"] in CERTIFICATES,
            names_officials=personal == "officials",
        )
        where = f"{path}: {column.name}"
        _refuse(column.type not in COLUMN_TYPES, f"{where}: unknown type {column.type!r}")
        if (column.type == "vocabulary") != (column.vocabulary is not None) or column.vocabulary not in {None, *vocabularies}:
            raise ExpectationsInvalid(f"{where}: unknown vocabulary {column.vocabulary!r}")
        if not _IDENTIFIER.fullmatch(column.name) or column.name in _LINEAGE:
            raise ExpectationsInvalid(f"{where}: no name of a column: small letters, digits and _, and none of {sorted(_LINEAGE)}")
        if personal not in {"", "yes", "officials"} or (personal and column.type not in {*_TEXTS, *CERTIFICATES}):
            raise ExpectationsInvalid(f"{where}: personal: {personal!r}; a text or a certificate may be yes, a text officials")
        _refuse(column.is_certificate and column.names_officials, f"{where}: personal: a certificate identifies somebody of a household")
        yield column


_IDENTIFIER = re.compile("[a-z][a-z0-9_]{0,62}")
#: What the warehouse keeps of every row; no column of a ledger may be called so.
_LINEAGE = frozenset(
    ["version_id", "submission_id", "district_code", "unit_code", "is_office", "report_on", "received_at", "source_file", "source_sheet"]
    + ["source_row", "masked_at", "township_code", "village_code", "village_codes", "household_key"]
)


def _derivations(spec: Mapping[str, Any] | None, kinds: Iterable[str], where: str) -> dict[str, Derivation]:
    """`name: {kind: of}`, one kind each."""
    found = {}
    for name, entry in (spec or {}).items():
        [(kind, of)] = _is(dict, entry, f"{where}: {name}").items()
        _refuse(kind not in kinds, f"{where}: {name}: {kind!r} is none of {sorted(kinds)}")
        found[name] = Derivation(kind, of)
    return found


def _check_head(ledger: Ledger, path: Path) -> None:
    """What the keys of a head must be to the columns and to each other."""
    derived_of = [name for entry in ledger.derived.values() for name in ([entry.of] if isinstance(entry.of, str) else entry.of)]
    years_of = [entry.of for entry in ledger.defaults.values() if entry.kind == "year_of"]
    named = {ledger.key, ledger.withdraw, *(reference.column for reference in ledger.references), *derived_of, *years_of}
    named |= {*ledger.defaults, *ledger.as_written.values()}
    _refuse(unknown := named - {None, *ledger.by_name}, f"{path}: {sorted(unknown)} are no columns")
    types = [column.type for column in ledger.columns]
    key = ledger.by_name[ledger.key]
    _refuse(key.type not in {"key", "village"} or not key.is_required, f"{path}: key: a required column of the type key or village")
    for several in (["township"], ["village"], ["villages"], [*CERTIFICATES]):
        _refuse(sum(map(types.count, several)) > 1, f"{path}: more than one column of the type {' or '.join(several)}")
    townships = {column.name for column in ledger.columns if column.type == "township"}
    _refuse(townships - {"township"}, f"{path}: a column of the type township is called township")
    _refuse(ledger.township == "none" and _PLACES & {*types}, f"{path}: township: none, and a column names a place")
    _refuse(ledger.township == "referred" and not ledger.references, f"{path}: township: referred, and nothing is referred to")
    if ledger.owner_rule and (ledger.key_scope == "unit" or ledger.owner_rule not in {rule.id for rule in ledger.rules}):
        raise ExpectationsInvalid(f"{path}: owner_rule: {ledger.owner_rule} is no rule, or the key belongs to its unit alone")
    _refuse(len({column.title for column in ledger.columns}) < len(ledger.columns), f"{path}: two columns have one title")


def _check_rules(ledger: Ledger, path: Path) -> None:
    kinds = beside(ledger) | {column.name: kind_of(column.type) for column in ledger.columns}
    for rule in ledger.rules:
        _refuse(unknown := {rule.column, *rule.needs} - {*ledger.by_name}, f"{path}: {rule.id} names unknown columns {sorted(unknown)}")
        _refuse(wrong := list(faults(rule.expect, rule.when, kinds)), f"{path}: {rule.id}: {'; '.join(wrong)}")


def beside(ledger: Ledger) -> dict[str, str]:
    """What rules of a ledger find beside every row, and of which kind each is (expectations/README.md)."""
    names = {**BESIDE, **(BESIDE_KEYS if ledger.key_scope == "district" else {})}
    for reference in ledger.references:
        names |= {f"{reference.column}_is_known": "flag", f"{reference.column}_township": "text"}
    return names | {name: _DERIVED[entry.kind] for name, entry in ledger.derived.items()}


def _with_references(ledgers: dict[str, Ledger], root: Path) -> dict[str, Ledger]:
    """The ledgers with the columns that their references go by, checked now that all are read."""
    resolved = {}
    for ledger in ledgers.values():
        references = []
        for reference in ledger.references:
            where = f"{root / ledger.name / 'rules.yml'}: references: {reference.column}"
            referred = ledgers.get(reference.ledger)
            if referred is None or referred.key_scope == "unit":
                raise ExpectationsInvalid(f"{where}: {reference.ledger!r} is no ledger whose keys the district shares")
            by = reference.by or referred.key
            if by not in referred.by_name or referred.by_name[by].type not in {"key", "text", "name"}:
                raise ExpectationsInvalid(f"{where}: {by!r} is no key or text of {referred.title}")
            references.append(replace(reference, by=by))
        resolved[ledger.name] = replace(ledger, references=tuple(references))
    try:
        tuple(in_order_of_references(resolved.values()))
    except CycleError as error:
        raise ExpectationsInvalid(f"{root}: references in a circle: {' → '.join(error.args[1])}") from None
    return resolved


def _reference(entry: Any, place: str) -> Reference:
    spec = _keys(entry, place, {"column": str, "ledger": str}, {"by": str, "as_of": str})
    _refuse(spec["as_of"] not in {None, *_AS_OF}, f"{place}: as_of: {spec['as_of']!r} is none of {_AS_OF}")
    return Reference(spec["column"], spec["ledger"], spec["by"] or "", spec["as_of"] == "newest")


def in_order_of_references(ledgers: Iterable[Ledger]) -> list[Ledger]:
    """The ledgers, each after those that it refers to."""
    by_name = {ledger.name: ledger for ledger in ledgers}
    sorter = TopologicalSorter(
        {name: sorted({reference.ledger for reference in ledger.references} & {*by_name}) for name, ledger in sorted(by_name.items())}
    )
    return [by_name[name] for name in sorter.static_order()]


# ── layouts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_KINDS = {
    **{str: "text, in quotes if it looks like a number or a date", dict: "keys with values", list: "a list", date: "a date"},
    **{int: "a whole number", bool: "true or false"},
}


@dataclass
class _Filled:
    """Our columns as a layout names them: each is filled once, and money has a unit."""

    path: Path
    ledger: Ledger
    unit: str | None
    factors: dict[str, Decimal] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def name(self, place: str, ours: Any, theirs: str = "") -> str:
        """Name of the column that a header of ours means; `theirs` is the sender's, which may carry the unit."""
        where = f"{self.path}: {place}"
        column, unit, _ = self.ledger.column_of(fold(_is(str, ours, where)))
        _refuse(column is None, f"{where}: {ours!r} is no column of {self.ledger.title}")
        _refuse(column.name in self.names, f"{where}: {column.title} is filled twice")
        self.names.add(column.name)
        if column.type == "money":
            units = {unit, unit_in_header(theirs)} - {None} or {self.unit}
            # Taking one of two for granted would be wrong by a factor of 10,000.
            if len(units) > 1 or None in units:
                raise ExpectationsInvalid(f"{where}: {ours!r} needs one unit, as in {column.title}(万元), or unit: for the table")
            self.factors[column.name] = MONEY_UNITS[units.pop()]
        return column.name


def read_layout(path: Path, ledgers: Mapping[str, Ledger]) -> Layout:
    """One file of `expectations/layouts/`.

    Raises:
        ExpectationsInvalid: a key is unknown, missing, of the wrong kind, or contradicts another.
    """
    must = {"layout": str, "sender": str, "ledger": str, "match": dict, "columns": dict}
    dates = {"report_on": date, "valid_from": date, "valid_to": date}
    may = {"split": dict, "unit": str, "constants": dict, "collapse": dict, "key_prefix": str, "skip": list, **dates}
    spec = _keys(_yaml(path), str(path), must, may)
    match = _keys(spec["match"], f"{path}: match", {"header": list}, {"total": dict, "sum": dict})
    for key, known in {"layout": {path.stem}, "ledger": {*ledgers}, "unit": {*MONEY_UNITS, None}}.items():
        _refuse(spec[key] not in known, f"{path}: {key}: {spec[key]!r} is none of {sorted(filter(None, known))}")
    filled = _Filled(path, ledgers[spec["ledger"]], spec["unit"])
    columns = {}
    for theirs, ours in _by_title(spec["columns"], f"{path}: columns").items():
        columns[theirs] = tuple(filled.name(f"columns: {theirs}", title, theirs) for title in (ours if type(ours) is list else [ours]))
    split = {theirs: _split(entry, theirs, filled) for theirs, entry in _by_title(spec["split"], f"{path}: split").items()}
    constants = {
        filled.name("constants", title): _is(str, text, f"{path}: constants: {title}") for title, text in (spec["constants"] or {}).items()
    }
    layout = Layout(
        name=spec["layout"],
        header=_header_rows(match["header"], f"{path}: match: header"),
        total=_figures(match["total"], f"{path}: match: total"),
        sum=_figures(match["sum"], f"{path}: match: sum"),
        columns=columns,
        split=split,
        factors=filled.factors,
        constants=constants,
        collapse=_collapse(spec["collapse"], filled),
        key_prefix=spec["key_prefix"] or "",
        skip=tuple(_pattern(text, f"{path}: skip") for text in spec["skip"] or ()),
        **{key: spec[key] for key in ("sender", "ledger", *dates)},
    )
    _check_layout(layout, filled)
    return layout


def _check_layout(layout: Layout, filled: _Filled) -> None:
    """What the keys of a layout must be to each other."""
    collapsed = {layout.collapse.by, *layout.collapse.keep} if layout.collapse else {}
    named = {*layout.total, *layout.sum, *layout.columns, *layout.split, *collapsed}
    unknown = sorted(title for title in named if layout.titles.count(title) != 1)
    _refuse(unknown, f"{filled.path}: {unknown} must stand once among the titles {list(layout.titles)}")
    missing = [column.title for column in filled.ledger.columns if column.is_required and column.name not in filled.names]
    _refuse(missing, f"{filled.path}: nothing fills the required {missing}")
    key = filled.ledger.by_name[filled.ledger.key]
    _refuse(key.name in layout.constants, f"{filled.path}: constants: every row needs a {key.title} of its own; see key_prefix")
    if layout.constants and not (layout.total or layout.sum):
        raise ExpectationsInvalid(f"{filled.path}: constants need match.total or match.sum, by which their one table is recognised")
    twice = sorted({*layout.total} & {*layout.sum})
    _refuse(twice, f"{filled.path}: match: {twice} has a total and a sum; a total would be added up too")
    _refuse(layout.valid_from and layout.valid_to and layout.valid_from > layout.valid_to, f"{filled.path}: valid_from lies after valid_to")
    is_outside = layout.report_on and not layout.is_valid(layout.report_on)
    _refuse(is_outside, f"{filled.path}: report_on lies outside valid_from and valid_to")


def _collapse(data: Any, filled: _Filled) -> Collapse | None:
    if data is None:
        return None
    where = f"{filled.path}: collapse"
    spec = _keys(data, where, {"by": str, "keep": dict, "count_into": str}, {})
    keep = {title: fold(_is(str, value, f"{where}: keep: {title}")) for title, value in _by_title(spec["keep"], f"{where}: keep").items()}
    count_into = filled.name("collapse: count_into", spec["count_into"])
    if not keep or filled.ledger.by_name[count_into].type != "count":
        raise ExpectationsInvalid(f"{where}: keep says which row gives the cells, and count_into is a column of the type count")
    return Collapse(fold(spec["by"]), keep, count_into)


def _is(kind: type, value: Any, where: str) -> Any:
    """The value, if YAML read it as exactly this kind: a date is no date with a time, text is no number."""
    if type(value) is not kind:
        raise ExpectationsInvalid(f"{where}: must be {_KINDS[kind]}, not {value!r}")
    return value


def _keys(data: Any, where: str, must: Mapping[str, type], may: Mapping[str, type]) -> dict[str, Any]:
    """A mapping with all keys it must or may have, None for those it has not."""
    given = {key: value for key, value in _is(dict, data, where).items() if value is not None}
    unknown = sorted(str(key) for key in given if key not in {*must, *may})
    _refuse(unknown, f"{where}: unknown {unknown}; there are {[*must, *may]}")
    _refuse(missing := [key for key in must if key not in given], f"{where}: {missing} missing")
    return {key: _is(kind, given[key], f"{where}: {key}") if key in given else None for key, kind in {**must, **may}.items()}


def _by_title(data: Mapping[Any, Any] | None, where: str) -> dict[str, Any]:
    return {fold(_is(str, title, where)): value for title, value in (data or {}).items()}


def _header_rows(data: list[Any], where: str) -> tuple[tuple[str | None, ...], ...]:
    rows = data if any(type(row) is list for row in data) else [data]
    header = tuple(tuple(fold(_is(str, "" if cell is None else cell, where)) or None for cell in _is(list, row, where)) for row in rows)
    _refuse(not all(map(any, header)), f"{where}: a row without a title")
    return header


def _figures(data: Mapping[Any, Any] | None, where: str) -> dict[str, Decimal]:
    figures = {}
    for title, text in _by_title(data, where).items():
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", _is(str, text, f"{where}: {title}")):
            raise ExpectationsInvalid(f"{where}: {title}: {text!r} is no number")
        figures[title] = Decimal(text)
    return figures


def _split(data: Any, theirs: str, filled: _Filled) -> tuple[re.Pattern[str], tuple[str, ...]]:
    where = f"{filled.path}: split: {theirs}"
    spec = _keys(data, where, {"pattern": str, "into": list}, {})
    pattern = _pattern(spec["pattern"], where)
    names = tuple(filled.name(f"split: {theirs}", ours) for ours in spec["into"])
    _refuse(pattern.groups != len(names), f"{where}: {pattern.groups} groups in the pattern, {len(names)} columns in into")
    # Only names that are compared with the official ones send a cell back that does not have the form.
    others = [name for name in names if filled.ledger.by_name[name].type not in _PLACES]
    _refuse(others, f"{where}: {others}: only a township and villages can be split off")
    return pattern, names


def _pattern(text: Any, where: str) -> re.Pattern[str]:
    try:
        return re.compile(_is(str, text, where))
    except re.error as error:
        raise ExpectationsInvalid(f"{where}: {text!r} is no regular expression: {error}") from None


def _vocabularies(path: Path) -> dict[str, Vocabulary]:
    words: dict[str, dict[str, tuple]] = {}
    canonical: dict[str, dict[str, None]] = {}
    for row in _csv(path):
        of_word = words.setdefault(row["vocabulary"], {})
        of_word[fold(row["accepted"])] = (*of_word.get(fold(row["accepted"]), ()), (row["stored"], *_days(row)))
        canonical.setdefault(row["vocabulary"], {})[row["canonical"]] = None
    return {name: Vocabulary(name, of_word, tuple(canonical[name])) for name, of_word in words.items()}


def _csv(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@contextmanager
def _named(place: Path) -> Iterator[None]:
    """Whoever wrote a key wrongly is told in which file."""
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise ExpectationsInvalid(f"{place}: {type(error).__name__}: {error}") from error


def _yaml(path: Path) -> dict[str, Any]:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _ExactLoader)
    except (yaml.YAMLError, UnicodeDecodeError, InvalidOperation) as error:
        raise ExpectationsInvalid(f"{path}: {error}") from None


class _ExactLoader(yaml.SafeLoader):
    """YAML whose decimals are what stands there: 86.8, and not the float beside it."""


_ExactLoader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: Decimal(loader.construct_scalar(node)))


def _days(row: Mapping[str, str]) -> list[date | None]:
    """Between which days a row of a list is valid."""
    return [date.fromisoformat(row[key]) if row[key] else None for key in ("valid_from", "valid_to")]
