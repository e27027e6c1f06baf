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
from tests.integration.ledgers import GROUP, OFFICE, OTHER, TOWNSHIP

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
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
        first, rest = divmod(len(self.all), len(_NAMES) ** 2)
        name = f"尉迟{_NAMES[first]}{_NAMES[rest // len(_NAMES)]}{_NAMES[rest % len(_NAMES)]}"
        self.all.append(Canary("name", name, self.unit, place, others))
        return name


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────

RIGHT = {
    "问题台账": {
        "问题来源": "第一轮排查",
        "发现日期": "2020-06-04",
        "问题类别": "其他",
        "责任领导": "李卫国",
        "整改时限": "2020-06-30",
        "整改状态": "未整改",
    },
    "资金台账": {"资金层级": "省级", "环节": "支出", "金额(万元)": "1.5", "发生日期": "2020-06-04", "项目编号": "XM-1"},
    "项目台账": {"项目类别": "产业", "计划总投资(万元)": "1.5"},
    "督导记录": {"督导日期": "2020-06-20", "乡镇": "迎风桥镇", "核查结论": "已巡查"},
}
KEYS = {"问题台账": "问题编号", "资金台账": "流水号", "项目台账": "项目编号", "督导记录": "记录编号"}
FREE = {
    "问题台账": ["反馈批次", "问题描述", "行业部门", "整改措施", "印证资料", "备注"],
    "资金台账": ["资金文号", "资金名称", "备注"],
    "项目台账": ["项目名称", "建设性质", "建设内容", "责任单位", "存在问题", "备注"],
    "督导记录": ["情况说明", "督导人员", "备注"],
}
STRICT = {
    "问题台账": ["问题编号", "乡镇", "村(社区)", "问题来源", "发现日期", "问题类别", "整改时限", "整改状态", "完成日期"],
    "资金台账": ["流水号", "资金年度", "资金层级", "环节", "金额(万元)", "发生日期", "项目编号", "乡镇", "村(社区)"],
    "项目台账": ["项目编号", "项目类别", "乡镇", "村(社区)", "计划总投资(万元)", "中央资金(元)", "计划开工日期", "形象进度(%)", "受益户数"],
    "督导记录": ["记录编号", "督导日期", "乡镇", "村(社区)", "问题编号", "核查结论"],
}
SENDERS = {"问题台账": TOWNSHIP, "资金台账": OTHER, "项目台账": OFFICE, "督导记录": GROUP}
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


def holder_of(seeds: Seeds, number: int) -> tuple[str, str]:
    """A cell of 户主姓名, and the name as the texts of its row write it."""
    name, (cell, in_text) = seeds.name("户主姓名"), HOLDERS[number % len(HOLDERS)]
    words = {"mobile": seeds.mobile("户主姓名")} if "mobile" in cell else {}
    return cell.format(name, name[:2], name[2:], **words), in_text.format(name, name[:2], name[2:])


def free_text(seeds: Seeds, place: str, number: int, holder: str | None) -> str:
    """A text that names somebody's numbers in some spelling, and the household head of its row."""
    spelled = SPELLINGS[number % len(SPELLINGS)]
    kinds = (seeds.id_number, seeds.mobile, seeds.landline, seeds.old_id_number, lambda where: seeds.id_number(where, end="X"))
    parts = [f"{spelled(kind(f'{place}, text'))}" for kind in (kinds[number % 5], kinds[(number + 1) % 5])]
    return f"经核实{'户主' + holder if holder else '该户'}，电话{parts[0]}；另{parts[1]}，房屋漏雨未修"


def rows_of(ledger: str, seeds: Seeds, mark: str) -> tuple[list[str], list[list[Any]]]:
    """Header and rows of a ledger: right ones with canaries in every text, and for each strict column a row where it holds one."""
    personal = ["户主姓名", "证件号码"] if ledger == "问题台账" else []
    more = [f"经办人{seeds.mobile('title of an unknown column')}", "联系电话"]
    header = list(dict.fromkeys([KEYS[ledger], *RIGHT[ledger], *FREE[ledger], *STRICT[ledger], *personal, *more]))
    rows = []
    for number in range(len(HOLDERS)):
        row = {**RIGHT[ledger], KEYS[ledger]: f"{mark}-{number}"}
        holder = None
        if personal:
            cell, holder = holder_of(seeds, number)
            row |= {"户主姓名": cell, "证件号码": seeds.id_number("证件号码"), "责任领导": f"李卫国{seeds.id_number('责任领导')}"}
        for place, column in enumerate(FREE[ledger]):
            row[column] = free_text(seeds, column, number + place, holder)
        row[more[1]] = seeds.mobile("unknown column")
        rows.append([row.get(column, "") for column in header])
    for number, column in enumerate(STRICT[ledger]):
        for kind in (seeds.id_number, seeds.mobile, seeds.landline):
            if kind == seeds.landline and column in KEYS.values():
                continue  # an area code and a number may well be somebody's own numbering
            row = {**RIGHT[ledger], KEYS[ledger]: f"{mark}-错{number}{kind.__name__}", **dict.fromkeys(FREE[ledger], "房屋漏雨未修")}
            if personal:
                row["户主姓名"], holder = holder_of(seeds, number)
                row["问题描述"] = f"户主{holder}的房屋"
            row[column] = kind(f"{column}, wrong")
            rows.append([row.get(name, "") for name in header])
    for form in ("大码头-{}", "{}号", "+86{}", "ZY{}", "{0:.3}-{1}-{2}"):
        number = seeds.mobile("key, with something beside it")
        row = {**RIGHT[ledger], KEYS[ledger]: form.format(number, number[3:7], number[7:])}
        rows.append([row.get(name, "") for name in header])
    if personal:
        for form in ("{0}", "大码头-{0}", "{1}-{2}001"):
            name = seeds.name("key")
            row = {**RIGHT[ledger], KEYS[ledger]: form.format(name, name[:2], name[2:]), "户主姓名": f"{name}等3人"}
            rows.append([row.get(column, "") for column in header])
        odd = {**RIGHT[ledger], KEYS[ledger]: f"{mark}-换", "问题描述": "房屋漏雨未修"}
        odd |= {"户主姓名": seeds.id_number("户主姓名, wrong"), "证件号码": seeds.name("证件号码, wrong")}
        rows.append([odd.get(name, "") for name in header])
        odd |= {KEYS[ledger]: f"{mark}-旧", "证件号码": seeds.old_id_number("证件号码, wrong")}
        odd["户主姓名"] = odd["问题来源"] = seeds.name("户主姓名")
        rows.append([odd.get(name, "") for name in header])
    return header, rows


def table_of(ledger: str, seeds: Seeds, mark: str) -> list[list[Any]]:
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
    for ledger, unit in SENDERS.items():
        seeds.unit = unit
        sheet = {ledger: table_of(ledger, seeds, "甲")}
        # a file that takes part and one that is wholly right
        yield (
            unit,
            f"{ledger}{seeds.id_number('file name')}-{seeds.mobile('file name')}-20200624.xlsx",
            xlsx_bytes(sheet, dressed_up(seeds)),
        )
        header, rows = rows_of(ledger, seeds, "乙")
        yield unit, f"{ledger}全对20200624.csv", csv_bytes([header, *rows[: len(HOLDERS)]], "gb18030")
        yield unit, f"{ledger}全错20200624.csv", csv_bytes([header, *rows[len(HOLDERS) :]], "utf-16")
    seeds.unit = OTHER
    header, rows = rows_of("问题台账", seeds, "丙")
    numbered = f"{seeds.id_number('sheet name')}", f"{seeds.mobile('sheet name')}"
    yield OTHER, "按户分表20200624.xlsx", xlsx_bytes({name: [header, *rows[part::2]] for part, name in enumerate(numbered)})
    yield OTHER, "老格式20200624.xls", old_workbook("问题台账", table_of("问题台账", seeds, "丁"))
    yield from named_elsewhere(seeds)
    yield from broken_files(seeds)


def named_elsewhere(seeds: Seeds) -> Iterator[tuple[str, str, bytes]]:
    """Household heads whom the office, a group and a township name in texts, before and after the row that has them in 户主姓名."""
    seeds.unit = TOWNSHIP
    before, after = (seeds.name(f"户主姓名, in a file {when} the texts", OTHER, OFFICE, GROUP) for when in ("before", "after"))
    holders = ["问题编号", *RIGHT["问题台账"], "问题描述", "户主姓名"]

    def named(key: str, name: str) -> bytes:
        return csv_bytes([holders, [key, *RIGHT["问题台账"].values(), "房屋漏雨未修", name]])

    yield TOWNSHIP, "户主在先20200624.csv", named("户-先", before)
    for ledger, unit in {"问题台账": OFFICE, "资金台账": OTHER, "项目台账": OFFICE, "督导记录": GROUP}.items():
        said = f"走访{before}，{after[:2]} {after[2:]}在外，{after}未享受低保"
        columns = {KEYS[ledger]: "户-后" if ledger == "问题台账" else "户", **RIGHT[ledger], **dict.fromkeys(FREE[ledger], said)}
        if ledger in {"问题台账", "项目台账"}:
            columns |= {"乡镇": "迎风桥镇"}
        if ledger == "督导记录":
            columns["督导人员"] = "李卫国"  # in his office
        if ledger in {"资金台账", "项目台账"}:
            columns |= {name: f"{before}、{after}" for name in ("资金名称", "项目名称") if name in columns}
        yield unit, f"户主在文中{ledger}20200624.csv", csv_bytes([list(columns), list(columns.values())])
    # of the same key, as the township knows more of it than the office
    yield TOWNSHIP, "户主在后20200625.csv", named("户-后", after)


def broken_files(seeds: Seeds) -> Iterator[tuple[str, str, bytes]]:
    """Files that break the rules of whole files."""
    seeds.unit = TOWNSHIP

    def name(rule: str, ending: str = "csv") -> str:
        return f"{rule}-{seeds.id_number('file name')}-20200624.{ending}"

    header, rows = rows_of("问题台账", seeds, "戊")
    yield TOWNSHIP, name("S01", "xlsx"), b"PK\x03\x04" + f"{seeds.name('broken')} {seeds.id_number('broken')}".encode()
    lines = csv_bytes([header, *rows])
    yield TOWNSHIP, name("S01"), lines[: len(lines) // 2] + b"\xff\xfe\x81" + lines[len(lines) // 2 :]
    strange = [f"证件号码{seeds.id_number('column name')}", f"整改{seeds.mobile('column name')}", "联系人", "电话"]
    no_header = [seeds.name("no header"), seeds.id_number("no header")]
    yield TOWNSHIP, name("S02"), csv_bytes([[*strange[:2], *no_header], [seeds.id_number("no header")] * 4])
    yield TOWNSHIP, name("S03"), csv_bytes([[*header[:4], *strange], *[row[:4] + no_header * 2 for row in rows]])
    yield TOWNSHIP, name("S04"), csv_bytes([[*header, header[0]], *[[*row, seeds.id_number("doubled")] for row in rows]])
    yield TOWNSHIP, name("S04b"), csv_bytes([header, *rows[:3], header[::-1], *rows[3:]])
    funds, moved = rows_of("资金台账", seeds, "己")
    funds[funds.index("金额(万元)")] = "金额"
    yield TOWNSHIP, name("S05"), csv_bytes([funds, *moved])
    place = header.index("乡镇")
    yield TOWNSHIP, name("S06"), csv_bytes([header, *[[*row[:place], "沙头镇", *row[place + 1 :]] for row in rows[: len(HOLDERS)]]])
    yield TOWNSHIP, name("S07"), csv_bytes([[f"填报日期：{seeds.mobile('report date')}"], header, *rows])
    sheet = f"户{seeds.id_number('sheet name')}"
    yield TOWNSHIP, name("S07b", "xlsx"), xlsx_bytes({sheet: [[f"填报日期：{seeds.id_number('report date')}"], header, *rows]})
    visits, seen = rows_of("督导记录", seeds, "庚")
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
        # the lengths at which a number can begin, tried at every digit of a run
        self._lengths = sorted({len(number) for number in self._numbers})

    def text(self, where: str, text: str, *, of: str | None = None) -> None:
        """Search a text; the canaries of unit `of` may stand in it."""
        self.looked[where.split(":")[0]] += 1
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
        if of not in {canary.unit, *canary.others} and (where, canary) not in self.found:
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
