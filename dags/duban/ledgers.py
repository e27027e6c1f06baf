"""What the district demands of a ledger, loaded from `expectations/` as frozen dataclasses.

Owns nothing: `expectations/` is the one place where columns, aliases and rules are written down, the seeds `ref_vocabulary` and
`ref_village_aliases` the one place of code lists. Whoever needs them (reader, gate, slip, template) gets them from here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from duban.row_rules import BESIDE, faults, kind_of
from duban.settings import Settings
from duban.text.names import NameWords
from duban.text.words import fold, sign

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


#: What a header may give as the unit of money, and what it is in yuan.
MONEY_UNITS = {"元": Decimal(1), "万元": Decimal(10_000)}
_LONGEST_TOTAL = 16
# What may stand around the name of a column: signs that it is required, a colon, hints and units in brackets or behind a stroke.
_MARKS = "*★☆※●▲△◆:"
_BRACKETED = re.compile(r"[(\[【〔<]([^()\[\]【】〔〕<>]*)[)\]】〕>]$")
_BRACKETED_FIRST = re.compile(r"^[(\[【〔<]([^()\[\]【】〔〕<>]*)[)\]】〕>]")
_BEHIND_STROKE = re.compile(r"[/,、]((?:单位:?)?(?:人民币)?(?:万元|元))$")
_NOTE_PARTS = re.compile(r"[,;、:/\s]+")
_UNIT_LABEL = re.compile("^(?:金额)?(?:单位)?(?:人民币)?")
# A unit that is none of ours, in a note: the numbers below are not what they look like.
_OTHER_UNIT = re.compile(r"[十百千亿]万?元|[万亿千百]$|万[人户亩吨]|[千百亿][人户]|美元|欧元|^[角分]$|‰")
# Words by which a note in brackets makes another column of it.
_OTHER_COLUMN = re.compile(r"^(?:原|拟|旧|上[期月年次]|去年|本[期月]|累计)|计划|预计|预期|以前")
_HINT_NOTE = re.compile(r"[必选可]填|不填|请|填|选|格式|如|例|文本|数字|日期|唯一")


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

    @property
    def names_officials(self) -> bool:
        """True when the cell names persons in their office, who are shown whatever household heads are called."""
        return self.name in {"leader_name", "visitors"}


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
    if column.type in {"money", "count", "percent"} and (len(units) > 1 or any(_OTHER_UNIT.search(part) for part in parts)):
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
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


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
            ledger = _ledger(path.parent, vocabularies)
        ledgers[ledger.name] = ledger
    with _named(rows := root / "rows" / "rules.yml"):
        spec = _yaml(rows)
        cell_rules = {rule["id"]: RuleText(**rule) for rule in spec["rules"]}
        words = Words(_signs(spec["blank_words"]), _signs(spec["no_values"]), _offices(spec["office_words"], spec["office_prefixes"]))
    with _named(submissions := root / "submissions" / "rules.yml"):
        spec = _yaml(submissions)
        file_rules = {rule["id"]: RuleText(**rule) for rule in spec["rules"]}
        findings = {(rule["id"], rule.get("case", "")): rule["text"] for rule in spec["findings"]}
        row_words = _row_words(spec)
        note_prefixes = tuple(spec["note_prefixes"])
    return Expectations(
        ledgers=ledgers,
        cell_rules=cell_rules,
        words=words,
        file_rules=file_rules,
        findings=findings,
        note_prefixes=note_prefixes,
        row_words=row_words,
        layouts=tuple(read_layout(path, ledgers) for path in sorted((root / "layouts").glob("*.yml"))),
        vocabularies=vocabularies,
        village_aliases=tuple(
            VillageAlias(row["district_code"], fold(row["alias"]), row["village_code"], _date(row["valid_from"]), _date(row["valid_to"]))
            for row in _csv(seeds / "ref_village_aliases.csv")
        ),
        name_words=read_name_words(root),
    )


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
    kinds = BESIDE | {column.name: kind_of(column.type) for column in columns}
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
        if wrong := list(faults(rule.expect, rule.when, kinds)):
            raise ExpectationsInvalid(f"{folder / 'rules.yml'}: {rule.id}: {'; '.join(wrong)}")
    return Ledger(spec["ledger"], spec["title"], spec["key"], tuple(spec["senders"]), spec["target"], columns, rules)


# ── layouts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_PLACES = frozenset(["township", "village", "villages"])
_KINDS = {str: "text, in quotes if it looks like a number or a date", dict: "keys with values", list: "a list", date: "a date"}


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
        if column is None:
            raise ExpectationsInvalid(f"{where}: {ours!r} is no column of {self.ledger.title}")
        if column.name in self.names:
            raise ExpectationsInvalid(f"{where}: {column.title} is filled twice")
        self.names.add(column.name)
        if column.type == "money":
            units = {unit, unit_in_header(theirs)} - {None} or {self.unit}
            if len(units) > 1 or None in units:
                # Taking one of two for granted would be wrong by a factor of 10,000.
                raise ExpectationsInvalid(f"{where}: {ours!r} needs one unit, as in {column.title}(万元), or unit: for the table")
            self.factors[column.name] = MONEY_UNITS[units.pop()]
        return column.name


def read_layout(path: Path, ledgers: Mapping[str, Ledger]) -> Layout:
    """One file of `expectations/layouts/`.

    Raises:
        ExpectationsInvalid: a key is unknown, missing, of the wrong kind, or contradicts another.
    """
    data = _yaml(path)
    must = {"layout": str, "sender": str, "ledger": str, "match": dict, "columns": dict}
    dates = {"report_on": date, "valid_from": date, "valid_to": date}
    may = {"split": dict, "unit": str, "constants": dict, "key_prefix": str, "skip": list, **dates}
    spec = _keys(data, str(path), must, may)
    match = _keys(spec["match"], f"{path}: match", {"header": list}, {"total": dict, "sum": dict})
    for key, known in {"layout": {path.stem}, "ledger": {*ledgers}, "unit": {*MONEY_UNITS, None}}.items():
        if spec[key] not in known:
            raise ExpectationsInvalid(f"{path}: {key}: {spec[key]!r} is none of {sorted(filter(None, known))}")
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
        sender=spec["sender"],
        ledger=spec["ledger"],
        header=_header_rows(match["header"], f"{path}: match: header"),
        total=_figures(match["total"], f"{path}: match: total"),
        sum=_figures(match["sum"], f"{path}: match: sum"),
        columns=columns,
        split=split,
        factors=filled.factors,
        constants=constants,
        key_prefix=spec["key_prefix"] or "",
        skip=tuple(_pattern(text, f"{path}: skip") for text in spec["skip"] or ()),
        **{key: spec[key] for key in dates},
    )
    _check_layout(layout, filled)
    return layout


def _check_layout(layout: Layout, filled: _Filled) -> None:
    """What the keys of a layout must be to each other."""
    named = {*layout.total, *layout.sum, *layout.columns, *layout.split}
    if unknown := [title for title in named if layout.titles.count(title) != 1]:
        raise ExpectationsInvalid(f"{filled.path}: {sorted(unknown)} must stand once among the titles {list(layout.titles)}")
    if missing := [column.title for column in filled.ledger.columns if column.is_required and column.name not in filled.names]:
        raise ExpectationsInvalid(f"{filled.path}: nothing fills the required {missing}")
    if filled.ledger.key in layout.constants:
        key = filled.ledger.by_name[filled.ledger.key].title
        raise ExpectationsInvalid(f"{filled.path}: constants: every row needs a {key} of its own; see key_prefix")
    if layout.constants and not (layout.total or layout.sum):
        raise ExpectationsInvalid(f"{filled.path}: constants need match.total or match.sum, by which their one table is recognised")
    if twice := set(layout.total) & set(layout.sum):
        raise ExpectationsInvalid(f"{filled.path}: match: {sorted(twice)} has a total and a sum; a total would be added up too")
    if layout.valid_from and layout.valid_to and layout.valid_from > layout.valid_to:
        raise ExpectationsInvalid(f"{filled.path}: valid_from lies after valid_to")
    if layout.report_on and not layout.is_valid(layout.report_on):
        raise ExpectationsInvalid(f"{filled.path}: report_on lies outside valid_from and valid_to")


def _is(kind: type, value: Any, where: str) -> Any:
    """The value, if YAML read it as exactly this kind: a date is no date with a time, text is no number."""
    if type(value) is not kind:
        raise ExpectationsInvalid(f"{where}: must be {_KINDS[kind]}, not {value!r}")
    return value


def _keys(data: Any, where: str, must: Mapping[str, type], may: Mapping[str, type]) -> dict[str, Any]:
    """A mapping with all keys it must or may have, None for those it has not."""
    given = {key: value for key, value in _is(dict, data, where).items() if value is not None}
    if unknown := [str(key) for key in given if key not in {*must, *may}]:
        raise ExpectationsInvalid(f"{where}: unknown {sorted(unknown)}; there are {[*must, *may]}")
    if missing := [key for key in must if key not in given]:
        raise ExpectationsInvalid(f"{where}: {missing} missing")
    return {key: _is(kind, given[key], f"{where}: {key}") if key in given else None for key, kind in {**must, **may}.items()}


def _by_title(data: Mapping[Any, Any] | None, where: str) -> dict[str, Any]:
    return {fold(_is(str, title, where)): value for title, value in (data or {}).items()}


def _header_rows(data: list[Any], where: str) -> tuple[tuple[str | None, ...], ...]:
    rows = data if any(type(row) is list for row in data) else [data]
    header = tuple(tuple(fold(_is(str, "" if cell is None else cell, where)) or None for cell in _is(list, row, where)) for row in rows)
    if not all(any(row) for row in header):
        raise ExpectationsInvalid(f"{where}: a row without a title")
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
    if pattern.groups != len(names):
        raise ExpectationsInvalid(f"{where}: {pattern.groups} groups in the pattern, {len(names)} columns in into")
    if others := [name for name in names if filled.ledger.by_name[name].type not in _PLACES]:
        # Only names that are compared with the official ones send a cell back that does not have the form.
        raise ExpectationsInvalid(f"{where}: {others}: only a township and villages can be split off")
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
        entry = (row["stored"], _date(row["valid_from"]), _date(row["valid_to"]))
        of_word = words.setdefault(row["vocabulary"], {})
        of_word[fold(row["accepted"])] = (*of_word.get(fold(row["accepted"]), ()), entry)
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


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
