"""Identities that belong to nobody, seeded wherever a sender can write, and the search for them wherever somebody else can read.

A canary is an identity number with a right check digit, a telephone number, or the name of a household head. The search is strict: digits
are compared without what stands between them, full-width ones too; names without white space and points; archives are opened, escapes
undone.
"""

from __future__ import annotations

import gzip
import html
import io
import itertools
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import psycopg.sql
import xlwt
from openpyxl.comments import Comment

from tests.conftest import csv_bytes, xlsx_bytes
from tests.ledgers import GROUP, LEDGERS, OFFICE, OTHER, TOWNSHIP, Entry

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SURNAMES = ("尉迟", "皇甫", "令狐", "慕容")
_NAMES = "骉犇鑫淼焱垚羴猋毳磊赑麤龘靐飝"
_TAGS = re.compile(r"<[^<>]{0,400}>")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\W_]{1,6}(?=[\dXx])")
_BETWEEN_CHARACTERS = re.compile(r"[\s·•.\u200b-]+")
_IN_NUMERALS = str.maketrans("0123456789", "〇一二三四五六七八九")
_IN_DIGITS = str.maketrans("〇一二三四五六七八九", "0123456789")
_ESCAPES = re.compile(r"\\+u([0-9a-fA-F]{4})")


@dataclass(frozen=True)
class Canary:
    """Somebody who does not exist: how the search knows the text, who sent it, and where it was put; who else wrote it, too."""

    kind: str
    sought: str
    unit: str
    place: str
    others: tuple[str, ...] = ()


@dataclass
class Seeds:
    """Makes canaries, each of them once."""

    unit: str = TOWNSHIP
    all: list[Canary] = field(default_factory=list)

    def id_number(self, place: str, end: str = "") -> str:
        """An identity number with a right check digit; one that ends in X when asked."""
        for number in itertools.count(len(self.all)):
            # other serial numbers than the sample gives its people
            first = f"4309021965{number // 28 % 12 + 1:02}{number % 28 + 1:02}{500 + number // 336 * 7 % 500}"
            last = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first, _WEIGHTS, strict=True)) % 11]
            if (last == end or not end) and all(canary.sought != first for canary in self.all):
                self.all.append(Canary("id", first, self.unit, place))
                return first + last
        raise AssertionError

    def old_id_number(self, place: str) -> str:
        """One of 15 digits."""
        number = f"43090265{len(self.all) % 12 + 1:02}{len(self.all) % 28 + 1:02}{len(self.all) % 1000:03}"
        self.all.append(Canary("id", number, self.unit, place))
        return number

    def mobile(self, place: str) -> str:
        """The number of a mobile telephone."""
        number = f"1387375{len(self.all):04}"
        self.all.append(Canary("phone", number, self.unit, place))
        return number

    def landline(self, place: str) -> str:
        """A number of seven digits with the area code of the district."""
        number = f"073742{len(self.all):05}"
        self.all.append(Canary("phone", number, self.unit, place))
        return number

    def name(self, place: str, *others: str) -> str:
        """A name that nobody has; `others` write it as well."""
        numbers = [len(self.all) // len(_NAMES) ** place for place in range(4)]
        name = _SURNAMES[numbers[3]] + "".join(_NAMES[number % len(_NAMES)] for number in numbers[2::-1])
        self.all.append(Canary("name", name, self.unit, place, others))
        return name


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────

PROBLEMS, FUNDS, VISITS = (LEDGERS[title] for title in ("问题台账", "资金台账", "督导记录"))
# Types of columns that take any words, and by which canary a personal column of a type is filled.
_WORDS = ("text", "name", "person")
_PERSONAL = {"person": "name", "name": "name", "text": "name", "id_number": "id_number", "certificate": "id_number", "key": "id_number"}
SPELLINGS = (
    lambda text: text,
    lambda text: " ".join(text),
    lambda text: "".join(chr(ord(c) + 0xFEE0) for c in text),
    lambda text: f"{text[:6]}-{text[6:]}",
    lambda text: f"{text[:3]}\u3000{text[3:7]}.{text[7:]}",
    lambda text: f"{text[:6]}\u200b{text[6:]}",
    lambda text: text.translate(_IN_NUMERALS),
)
# Cells that hold a name, and how the texts of the row write it.
HOLDERS = (
    ("{0}", "{0}"),
    ("户主：{0}", "{0}"),
    ("{0}等3人", "{0}"),
    ("{0} 李四光", "{0}"),
    ("{0}{mobile}", "{0}"),
    ("{0}\n李四光", "{0}"),
    ("{0}-已故", "{0}"),
    ("{0} 男", "{0}"),
    ("{0}。", "{0}"),
    ("{0}&李四光", "{0}"),
    ("{1}·{2}", "{1}•{2}"),
    ("{0}", "{1}\u200b{2}"),
)


def holder_of(seeds: Seeds, place: str, number: int) -> tuple[str, str]:
    """A cell of a personal name, and the name as the texts of its row write it."""
    name, (cell, in_text) = seeds.name(place), HOLDERS[number % len(HOLDERS)]
    words = {"mobile": seeds.mobile(place)} if "mobile" in cell else {}
    return cell.format(name, name[:2], name[2:], **words), in_text.format(name, name[:2], name[2:])


def free_text(seeds: Seeds, place: str, number: int, holder: str | None) -> str:
    """A text that names somebody's numbers in some spelling, and the household head of its row."""
    spelled = SPELLINGS[number % len(SPELLINGS)]
    kinds = (seeds.id_number, seeds.mobile, seeds.landline, seeds.old_id_number, lambda where: seeds.id_number(where, end="X"))
    parts = [f"{spelled(kind(f'{place}, text'))}" for kind in (kinds[number % 5], kinds[(number + 1) % 5])]
    return f"经核实{'户主' + holder if holder else '该户'}，电话{parts[0]}；另{parts[1]}，房屋漏雨未修"


def rows_of(ledger: Entry, seeds: Seeds, mark: str) -> tuple[list[str], list[list[Any]]]:
    """Header and rows of a ledger: right ones with canaries in every text, and for each strict column a row where it holds one."""
    personal = {column.title: _PERSONAL[column.type] for column in ledger.personal}
    free = [column for column in ledger.of_type(*_WORDS) if not column.is_personal and column.title != ledger.withdraws]
    strict = [column.title for column in ledger.columns if column.type not in _WORDS and not column.is_personal]
    numbering = {column.title for column in ledger.of_type("key")}
    names = [title for title, kind in personal.items() if kind == "name"]
    more = [f"经办人{seeds.mobile('title of an unknown column')}", "联系电话"]
    # What the office says of a township stands in the township's template: its canaries are those of departments.
    places = [column.title for column in ledger.of_type("township", "village", "villages") if not column.is_required]
    nowhere = dict.fromkeys(places if seeds.unit == OFFICE else (), "")
    rows: list[dict[str, str]] = []

    def add(key: str, **cells: str) -> None:
        rows.append({**dict.fromkeys(personal, ""), **ledger.row_of(seeds.unit), **nowhere, ledger.key: key} | cells)

    def somebody(number: int) -> tuple[dict[str, str], str | None]:
        """Cells of the personal columns, and how a text of the row names the one in it."""
        cells, holder = {}, None
        for title, kind in personal.items():
            if kind == "name":
                cells[title], holder = holder_of(seeds, f"{ledger.title}: {title}", number)
            else:
                cells[title] = seeds.id_number(f"{ledger.title}: {title}")
        return cells, holder

    for number in range(len(HOLDERS)):
        cells, holder = somebody(number)
        for place, column in enumerate(free):
            where = f"{ledger.title}: {column.title}"
            is_person = column.type == "person"
            cells[column.title] = f"李卫国{seeds.id_number(where)}" if is_person else free_text(seeds, where, number + place, holder)
        add(f"{mark}-{number}", **cells, **{more[1]: seeds.mobile("unknown column")})
    for number, title in enumerate(strict):
        for kind in (seeds.id_number, seeds.mobile, seeds.landline):
            if kind == seeds.landline and title in numbering:
                continue  # an area code and a number may well be somebody's own numbering
            cells, holder = somebody(number)
            texts = {column.title: f"户主{holder}的房屋" for column in free[:1] if holder and column.type == "text"}
            add(f"{mark}-错{number}{kind.__name__}", **cells | texts | {title: kind(f"{ledger.title}: {title}, wrong")})
    for form in ("大码头-{}", "{}号", "+86{}", "ZY{}", "{0:.3}-{1}-{2}"):
        number = seeds.mobile("key, with something beside it")
        add(form.format(number, number[3:7], number[7:]))
    if ledger.withdraws:
        add(f"{mark}-撤", **{ledger.withdraws: free_text(seeds, f"{ledger.title}: {ledger.withdraws}", 0, None)})
    for title in names:
        for form in ("{0}", "大码头-{0}", "{1}-{2}001"):
            name = seeds.name("key")
            add(form.format(name, name[:2], name[2:]), **{title: f"{name}等3人"})
        for other in set(personal) - {title}:
            odd = {title: seeds.id_number(f"{title}, wrong"), other: seeds.name(f"{other}, wrong")}
            add(f"{mark}-换", **odd)
            name = seeds.name(f"{ledger.title}: {title}")
            words = {column.title: name for column in ledger.of_type("vocabulary")[:1]}
            add(f"{mark}-旧", **words, **{title: name, other: seeds.old_id_number(f"{other}, wrong")})
    header = list(dict.fromkeys([ledger.key, *ledger.titles, *more]))
    by_title = {column.title: column.header for column in ledger.columns}
    return [by_title.get(title, title) for title in header], [[row.get(title, "") for title in header] for row in rows]


def table_of(ledger: Entry, seeds: Seeds, mark: str) -> list[list[Any]]:
    """The same with a title above, and totals and notes below."""
    header, rows = rows_of(ledger, seeds, mark)
    title = [f"台账 {seeds.name('title')} {seeds.id_number('title')} {seeds.mobile('title')}"]
    total = ["合计", *[seeds.mobile("total") if "金额" in name or "户数" in name or "投资" in name else "" for name in header[1:]]]
    note = [f"制表人：{seeds.name('note')} {seeds.landline('note')}"]
    return [title, header, *rows, total, note]


def dressed_up(seeds: Seeds) -> Any:
    """A change to a workbook: canaries where no table is."""

    def touch(book: openpyxl.Workbook) -> None:
        book.properties.creator, book.properties.title = seeds.name("property"), seeds.id_number("property")
        book.properties.description, book.properties.lastModifiedBy = seeds.mobile("property"), seeds.name("property")
        sheet = book.worksheets[0]
        sheet["B3"].comment = Comment(f"{seeds.name('comment')} {seeds.id_number('comment')}", seeds.name("comment"))
        sheet["C3"].hyperlink = f"https://{seeds.mobile('link')}.invalid/"
        sheet.oddHeader.center.text = seeds.id_number("page header")
        hidden = book.create_sheet(f"隐{seeds.mobile('hidden sheet')}")
        hidden["A1"], hidden.sheet_state = seeds.id_number("hidden sheet"), "hidden"
        other = book.create_sheet(f"附{seeds.id_number('other sheet')}")
        other["A1"] = seeds.name("other sheet")

    return touch


def old_workbook(name: str, rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as `.xls`."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet(name)
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            sheet.write(number, place, cell)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def files(seeds: Seeds) -> Iterator[tuple[str, str, bytes]]:
    """Unit, file name and content of everything that is sent, in this order."""
    for turn, ledger in enumerate(LEDGERS.values()):
        yield from files_of(ledger, seeds, ledger.units[turn % len(ledger.units)])
    for ledger in LEDGERS.values():
        if ledger.personal and OTHER in ledger.units:
            seeds.unit = OTHER
            header, rows = rows_of(ledger, seeds, "丙")
            numbered = f"{seeds.id_number('sheet name')}", f"{seeds.mobile('sheet name')}"
            sheets = {name: [header, *rows[part::2]] for part, name in enumerate(numbered)}
            yield OTHER, f"{ledger.title}按户分表20200624.xlsx", xlsx_bytes(sheets)
            old = old_workbook(ledger.title, table_of(ledger, seeds, "丁"))
            yield OTHER, f"{ledger.title}老格式20200624.xls", old
            yield from named_elsewhere(ledger, seeds)
    yield from broken_files(seeds)


def files_of(ledger: Entry, seeds: Seeds, unit: str) -> Iterator[tuple[str, str, bytes]]:
    """What a unit sends of one ledger: a file that is taken in part, one that is wholly right, one that is all wrong."""
    seeds.unit = unit
    yield (
        unit,
        f"{ledger.title}{seeds.id_number('file name')}-{seeds.mobile('file name')}-20200624.xlsx",
        xlsx_bytes({ledger.title: table_of(ledger, seeds, "甲")}, dressed_up(seeds)),
    )
    header, rows = rows_of(ledger, seeds, "乙")
    yield unit, f"{ledger.title}全对20200624.csv", csv_bytes([header, *rows[: len(HOLDERS)]], "gb18030")
    yield unit, f"{ledger.title}全错20200624.csv", csv_bytes([header, *rows[len(HOLDERS) :]], "utf-16")


def named_elsewhere(ledger: Entry, seeds: Seeds) -> Iterator[tuple[str, str, bytes]]:
    """People of a ledger's households whom others name in texts of every ledger, before and after the row that is about them."""
    seeds.unit = TOWNSHIP
    [name_column, *_] = [column.title for column in ledger.personal if _PERSONAL[column.type] == "name"]
    before, after = (seeds.name(f"{name_column}, in a file {when} the texts", OTHER, OFFICE, GROUP) for when in ("before", "after"))

    def named(key: str, name: str) -> bytes:
        return csv_bytes(ledger.table({**ledger.row, ledger.key: key, name_column: name}))

    yield TOWNSHIP, f"户主在先{ledger.title}20200624.csv", named("户-先", before)
    for other in LEDGERS.values():
        said = f"走访{before}，{after[:2]} {after[2:]}在外，{after}未享受低保"
        unit = next(unit for unit in (OFFICE, OTHER, GROUP) if unit in other.units)
        row = {**other.row_of(unit), other.key: "户-后" if other is ledger else f"户{ledger.title}"}
        for column in other.columns:
            if column.is_personal:
                row[column.title] = ""
            elif column.type == "text" and column.title != other.withdraws and not column.personal:
                row[column.title] = said
            elif column.type == "name":
                row[column.title] = f"{before}、{after}"
        yield unit, f"户主在文中{ledger.title}{other.title}20200624.csv", csv_bytes(other.table(row))
    # of the same key, as the township knows more of it than the office
    yield TOWNSHIP, f"户主在后{ledger.title}20200625.csv", named("户-后", after)


def broken_files(seeds: Seeds) -> Iterator[tuple[str, str, bytes]]:
    """Files that break the rules of whole files."""
    seeds.unit = TOWNSHIP

    def name(rule: str, ending: str = "csv") -> str:
        return f"{rule}-{seeds.id_number('file name')}-20200624.{ending}"

    header, rows = rows_of(PROBLEMS, seeds, "戊")
    yield TOWNSHIP, name("S01", "xlsx"), b"PK\x03\x04" + f"{seeds.name('broken')} {seeds.id_number('broken')}".encode()
    lines = csv_bytes([header, *rows])
    yield TOWNSHIP, name("S01"), lines[: len(lines) // 2] + b"\xff\xfe\x81" + lines[len(lines) // 2 :]
    strange = [f"证件号码{seeds.id_number('column name')}", f"整改{seeds.mobile('column name')}", "联系人", "电话"]
    no_header = [seeds.name("no header"), seeds.id_number("no header")]
    yield TOWNSHIP, name("S02"), csv_bytes([[*strange[:2], *no_header], [seeds.id_number("no header")] * 4])
    some = [column.title for column in PROBLEMS.columns if column.is_required][:4]
    yield (
        TOWNSHIP,
        name("S03"),
        csv_bytes([[*some, *strange], *[[row[header.index(title)] for title in some] + no_header * 2 for row in rows]]),
    )
    yield TOWNSHIP, name("S04"), csv_bytes([[*header, header[0]], *[[*row, seeds.id_number("doubled")] for row in rows]])
    yield TOWNSHIP, name("S04b"), csv_bytes([header, *rows[:3], header[::-1], *rows[3:]])
    funds, moved = rows_of(FUNDS, seeds, "己")
    funds[funds.index("金额(万元)")] = "金额"
    yield TOWNSHIP, name("S05"), csv_bytes([funds, *moved])
    place = header.index("乡镇")
    yield TOWNSHIP, name("S06"), csv_bytes([header, *[[*row[:place], "沙头镇", *row[place + 1 :]] for row in rows[: len(HOLDERS)]]])
    yield TOWNSHIP, name("S07"), csv_bytes([[f"填报日期：{seeds.mobile('report date')}"], header, *rows])
    sheet = f"户{seeds.id_number('sheet name')}"
    yield TOWNSHIP, name("S07b", "xlsx"), xlsx_bytes({sheet: [[f"填报日期：{seeds.id_number('report date')}"], header, *rows]})
    visits, seen = rows_of(VISITS, seeds, "庚")
    yield TOWNSHIP, name("S08"), csv_bytes([visits, *seen])
    yield TOWNSHIP, name("S09"), csv_bytes([[f"{seeds.name('title')}{seeds.id_number('title')}"], header])

    def far(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["IW9"] = seeds.id_number("far cell")

    yield TOWNSHIP, name("S10", "xlsx"), xlsx_bytes({f"远{seeds.id_number('sheet name')}": [header, *rows]}, far)


# ── the search ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Search:
    """Looks for canaries and keeps what it finds as (where, canary); `looked` counts what it has looked at, by kind of place."""

    def __init__(self, canaries: Iterable[Canary]):
        self.canaries = list(canaries)
        self.found: list[tuple[str, Canary]] = []
        self.looked: Counter[str] = Counter()
        self._numbers = {canary.sought: canary for canary in self.canaries if canary.kind != "name"}
        self._names = {canary.sought: canary for canary in self.canaries if canary.kind == "name"}
        self._first_characters = {name[0] for name in self._names}
        # documents share most of their parts: texts in which nobody stands, whoever may
        self._clean: set[str] = set()
        self._hits = 0
        self._told: set[tuple[str, str]] = set()
        # the lengths at which a number can begin, tried at every digit of a run
        self._lengths = sorted({len(number) for number in self._numbers})

    def text(self, where: str, text: str, *, of: str | None = None) -> None:
        """Search a text; the canaries of unit `of` may stand in it."""
        self.looked[where.split(":")[0]] += 1
        if text in self._clean:
            return
        hits = self._hits
        self._search(where, text, of)
        if self._hits == hits:
            self._clean.add(text)

    def _search(self, where: str, text: str, of: str | None) -> None:
        text = unicodedata.normalize("NFKC", html.unescape(_ESCAPES.sub(lambda match: chr(int(match[1], 16)), text)))
        for form in {text, _TAGS.sub(" ", text)} if "<" in text else {text}:
            for run in re.findall(r"\d{11,}", _BETWEEN_DIGITS.sub("", form.translate(_IN_DIGITS))):
                for start, length in itertools.product(range(len(run) - 10), self._lengths):
                    if canary := self._numbers.get(run[start : start + length]):
                        self._find(where, canary, of)
            if not self._first_characters.isdisjoint(form):
                joined = _BETWEEN_CHARACTERS.sub("", form)
                for name, canary in self._names.items():
                    if name in joined:
                        self._find(where, canary, of)

    def _find(self, where: str, canary: Canary, of: str | None) -> None:
        self._hits += 1
        if of not in {canary.unit, *canary.others} and (where, canary.sought) not in self._told:
            self._told.add((where, canary.sought))
            self.found.append((where, canary))

    def content(self, where: str, content: bytes, *, of: str | None = None) -> None:
        """Search the bytes of a file of any kind; archives are opened."""
        if content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for name in archive.namelist():
                    self.content(f"{where}!{name}", archive.read(name), of=of)
            return
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        for encoding in ("utf-8", "gb18030", "utf-16"):
            if encoding == "utf-8" or (encoding == "utf-16") == content.startswith((b"\xff\xfe", b"\xfe\xff")):
                self.text(where, content.decode(encoding, "replace"), of=of)

    def tree(self, where: str, folder: Path, *without: Path) -> None:
        """Search all files below a folder, their names and where links lead."""
        for path in sorted(folder.rglob("*")):
            if any(path.is_relative_to(left) for left in without):
                continue
            self.text(f"{where}: names", str(path.relative_to(folder)))
            if path.is_symlink():
                self.text(f"{where}: names", str(path.readlink()))
            elif path.is_file():
                self.content(f"{where}: {path.relative_to(folder)}", path.read_bytes())

    def slip(self, where: str, content: bytes, unit: str) -> None:
        """Search a slip: what Duban says in it for everybody's canaries, the sender's own sheets for those of others."""
        book = openpyxl.load_workbook(io.BytesIO(content))
        self.content(where, content, of=unit)
        sheet = book["退回说明"]
        self.text(where, "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None))
        for sheet in book:
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.comment:
                        self.text(where, f"{cell.comment.text}\n{cell.comment.author}")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if not name.startswith(("xl/worksheets/", "xl/sharedStrings", "xl/workbook.xml", "docProps/app.xml")):
                    self.content(f"{where}!{name}", archive.read(name))

    def outbox(self, outbox: Path) -> None:
        """Search all that is handed out: nobody may stand in it, but in slips and templates whom their sender wrote."""
        slips, templates = set(outbox.glob("returns/*/*/*.xlsx")), set(outbox.glob("templates/*/*.xlsx"))
        for slip in slips:
            self.slip("slip", slip.read_bytes(), slip.parent.parent.name)
        for template in templates:
            self.content("template", template.read_bytes(), of=template.parent.name)
        for path in outbox.rglob("*"):
            self.text("names in the outbox", str(path.relative_to(outbox)))
            if path.is_file() and path not in slips | templates:
                self.content(f"outbox: {path.relative_to(outbox)}", path.read_bytes())

    def database(self, where: str, conn: psycopg.Connection, *without: str) -> None:
        """Search every column of every table, of every schema but those named; bytes as files, with what archives hold."""
        tables = conn.execute(
            """select c.oid::regclass::text, nspname from pg_class c join pg_namespace n on n.oid = relnamespace
               where relkind in ('r', 'm', 'p') and nspname !~ '^pg_' and nspname <> 'information_schema'"""
        ).fetchall()
        for table, schema in tables:
            if schema in without:
                continue
            columns = conn.execute(
                """select attname, atttypid = 'bytea'::regtype from pg_attribute
                   where attrelid = %s::regclass and attnum > 0 and not attisdropped""",
                (table,),
            ).fetchall()
            for column, is_bytes in columns:
                name = psycopg.sql.Identifier(column).as_string(conn)
                shown = name if is_bytes else f"{name}::text"
                for (value,) in conn.execute(f"select {shown} from {table} where {name} is not null").fetchall():
                    if is_bytes:
                        self.content(f"{where}: {table}.{column}", bytes(value))
                    else:
                        self.text(f"{where}: {table}.{column}", value)
        self.text(f"{where}: comments", "\n".join(text for (text,) in conn.execute("select description from pg_description").fetchall()))

    def report(self) -> list[str]:
        """What was found, shortly."""
        return sorted({f"{where[:160]} ← {canary.kind} of {canary.place} ({canary.sought})" for where, canary in self.found})
