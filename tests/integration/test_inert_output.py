"""Whatever a sender writes stays text in everything the system writes: workbooks, pages, receipts, paths, logs, terminals.

Texts that act somewhere stand in every text column, header, sheet name, title line, unit line and file name, in rows that are taken and in
rows that are sent back.
"""

from __future__ import annotations

import json
import logging
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
import xlwt
from openpyxl.comments import Comment
from openpyxl.formatting.rule import FormulaRule
from openpyxl.packaging.custom import StringProperty
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation

from duban import warehouse
from duban.intake.inbox import kept_path
from duban.orchestration import dbt
from duban.publishing.site import pages
from duban.quality.template import write_template
from local.commands.check import lines
from tests.conftest import Office, csv_bytes, open_office
from tests.ledgers import GROUP, LEDGERS, OTHER, TOWNSHIP, Column, Entry

HOSTILE = [
    "='甲'|乙!A1",
    '=HYPERLINK("http://x.invalid","x")',
    "+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "<script>0</script>",
    '"><i title=x>',
    "' title='x",
    "{{7*7}}",
    "{% raw %}",
    "${甲}",
    "%(x)s %s {0}",
    "'; select 1; --",
    "../../甲",
    "C:\\con",
    "甲\u202e乙",
    "第一行\n第二行",
    "_x000D_",
    "_x003D_1+1",
    "\x1b[31m红\x1b[0m",
    "]]><!--&lt;",
]
ID_NUMBER = "430902196503121234"
FILE_NAMES = [
    "='甲'|乙 20200624.xlsx",
    "-1+1 20200624.csv",
    "<i title=x>20200624.xls",
    "{{7*7}}{% raw %}${甲}20200624.xlsx",
    "'; select 1; -- 20200624.csv",
    "报..\\..\\甲 20200624.xlsx",
    "C:\\con 20200624.xls",
    "\u202egpj20200624.csv",
    "一\nERROR duban: 二 20200624.xlsx",
    "\x1b[31m红 20200624.csv",
    f"王小明{ID_NUMBER} 2020年6月24日.xls",
    os.fsdecode(b"\xff\xfe\xb0\xa1 20200624.csv"),
    "长" * 60 + "20200624.csv",
]
TITLE = "资阳区台账 =1+1 <b>{{7*7}}</b>"
UNIT_LINE = "单位：万元；=1+1 {{7*7}} <i>"
OF_OTHERS = [ledger for ledger in LEDGERS.values() if TOWNSHIP not in ledger.units]
ELEMENTS = {
    *["html", "head", "meta", "title", "style", "body", "header", "main", "section", "nav", "div", "p", "h1", "h2", "span", "b", "strong"],
    *["small", "bdi", "time", "a", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "ol", "ul", "li"],
    *["h3", "footer", "figure", "figcaption", "noscript", "label", "input", "button", "script"],
    *["details", "summary", "abbr", "br", "svg", "desc", "rect", "path", "line", "text", "g", "polyline", "polygon", "circle"],
}


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────


def free_columns(ledger: Entry) -> list[Column]:
    """Columns that hold free text."""
    return [column for column in ledger.of_type("text") if not column.personal and column.title != ledger.withdraws]


def ledger_rows(ledger: Entry, mark: str) -> list[list[str]]:
    """Title, unit, header with hostile columns of the sender's own; per hostile text a row that is right and one that is not."""
    rows = [[TITLE], ["", "", UNIT_LINE], [*ledger.titles, *HOSTILE]]
    for number, text in enumerate(HOSTILE):
        key = f"{'' if text.startswith(chr(27)) else text}{mark}{number}"
        right = {**ledger.row, **{column.title: f"{text}甲乙丙丁" for column in free_columns(ledger)}, ledger.key: key}
        wrong = {**dict.fromkeys(ledger.titles, text), ledger.key: f"{key}错"}
        rows += [[row.get(title, "") for title in ledger.titles] + HOSTILE for row in (right, wrong)]
    return rows


def notation(text: str) -> str:
    """Text as the XML of a workbook notes it."""
    text = re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    return re.sub("[\x00-\x08\x0b-\x1f]", lambda match: f"_x{ord(match[0]):04X}_", text)


def plain(text: str) -> str:
    """The inverse of `notation`."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)


def hostile_xlsx(sheets: dict[str, list[list[str]]]) -> bytes:
    """A workbook with hostile texts, and with everything in it that acts."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for number, row in enumerate(rows, start=1):
            for position, text in enumerate(row, start=1):
                if text:
                    cell = sheet.cell(number, position)
                    cell.value, cell.data_type = notation(text), "s"
        sheet["A1"].hyperlink = "http://x.invalid/a"
        sheet["A1"].comment = Comment("=1+1", "<b>")
        sheet.add_data_validation(DataValidation(type="list", formula1='"=1,2"', sqref="B4:B9"))
        sheet.conditional_formatting.add("A1:C9", FormulaRule(formula=["1=1"]))
        sheet.print_title_rows, sheet.oddHeader.center.text = "1:3", "&A=1+1"
    workbook.defined_names["evil"] = DefinedName("evil", attr_text="甲!A1")
    workbook.custom_doc_props.append(StringProperty(name="evil", value="=1+1"))
    workbook.properties.creator = "<script>"
    buffer = BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def hostile_xls(sheets: dict[str, list[list[str]]]) -> bytes:
    workbook = xlwt.Workbook()
    for name, rows in sheets.items():
        sheet = workbook.add_sheet(name)
        for number, row in enumerate(rows):
            for position, text in enumerate(row):
                if text:
                    sheet.write(number, position, text)
    buffer = BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def hostile_files() -> Iterator[tuple[str, str, bytes, dict[str, list[list[str]]]]]:
    """Unit, name, bytes and sheets of every file; sheets are named as senders please, and found by their headers."""
    sheet_names = iter(
        ["=1+1", "<b>x", "{{7-7}}", "-1+1'!A1", "_x0041_", "%s", "甲\u202e乙", "x';--", "+1", "&amp;", "@A1", "${x}", "=A"] * 3
    )
    of_township = [ledger for ledger in LEDGERS.values() if TOWNSHIP in ledger.units]
    for number, name in enumerate(FILE_NAMES):
        mark = f"F{number}N"
        if name.endswith(".csv"):
            ledger = of_township[number % len(of_township)]
            yield TOWNSHIP, name, csv_bytes(ledger_rows(ledger, mark)), {ledger.title: ledger_rows(ledger, mark)}
            continue
        sheets = {next(sheet_names): ledger_rows(ledger, mark) for ledger in of_township}
        write = hostile_xls if name.endswith(".xls") else hostile_xlsx
        yield TOWNSHIP, name, write(sheets), sheets
    for ledger in OF_OTHERS:
        sheets = {"{% raw %}": ledger_rows(ledger, "G")}
        yield ledger.units[0], "督导'; --20200624.xlsx", hostile_xlsx(sheets), sheets


@dataclass
class Written:
    """An office that has taken all of it in, built, shown and returned; what it logged."""

    office: Office
    sheets: dict[str, dict[str, list[list[str]]]]  # by submission
    records: list[logging.LogRecord]

    @property
    def submissions(self) -> list[dict[str, Any]]:
        """Lines of ops.submissions, in the order of arrival."""
        return self.office.query("select * from ops.submissions order by received_at")


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(scope="module")
def written(server, installed, tmp_path_factory) -> Iterator[Written]:
    """Everything is sent, judged, built, shown and returned once."""
    kept, root, problems = _Kept(), logging.getLogger(), LEDGERS["问题台账"]
    root.addHandler(kept)
    try:
        with open_office(server, tmp_path_factory.mktemp("inert") / "home", installed) as office:
            sent = {office.drop(unit, name, content): sheets for unit, name, content, sheets in hostile_files()}
            # Every row of this one names another unit, which is worth a line in the log; its sender and name are not to be trusted.
            office.drop(
                OTHER,
                "\x1b[2J\n20200624.csv",
                csv_bytes(problems.table(*({**problems.row, problems.key: f"Z{n}"} for n in "12"))),
            )
            office.ingest()
            dbt.build(office.settings, "nightly")
            with warehouse.connect(office.settings) as conn:
                pages.render_site(conn, office.settings.outbox)
                for unit in (TOWNSHIP, GROUP):
                    write_template(conn, office.settings, unit, date(2020, 6, 24))
            names = {kept_path(os.fsencode(path.relative_to(office.settings.inbox))): sheets for path, sheets in sent.items()}
            found = {
                row["submission_id"]: names.get(bytes(row["inbox_path"]), {})
                for row in office.query("select submission_id, inbox_path from ops.submissions")
            }
            yield Written(office, found, kept.records)
    finally:
        root.removeHandler(kept)


# ── what was written ─────────────────────────────────────────────────────────────────────────────────────────────────


def workbooks(written: Written) -> list[Path]:
    """Slips and templates."""
    return sorted(written.office.settings.outbox.rglob("*.xlsx"))


def test_hostile_rows_are_judged_like_others(written):
    """Otherwise the tests below would look at empty sheets."""
    outcomes = Counter(row["outcome"] for row in written.submissions)
    assert outcomes == {"accepted_with_rejections": len(FILE_NAMES) + len(OF_OTHERS), "rejected": 1}
    expected = {"".join(c for c in f"{text}甲乙丙丁".strip() if c >= " " or c in "\t\n") for text in HOSTILE}
    for ledger in LEDGERS.values():
        for column in free_columns(ledger):
            stored = {row["text"] for row in written.office.query(f"select {column.name} as text from raw.{ledger.table_name}")}
            assert stored == expected, f"{ledger.title}: {column.title}"
    assert written.office.query("select count(*) as n from raw.units")[0]["n"] > 10


def test_workbooks_hold_nothing_that_acts(written):
    allowed = re.compile(
        r"\[Content_Types\]\.xml|_rels/\.rels|docProps/(app|core)\.xml|xl/(workbook|styles|sharedStrings|theme/theme1)\.xml|xl/_rels/workbook\.xml\.rels"
        r"|xl/worksheets/sheet\d+\.xml|xl/worksheets/_rels/sheet\d+\.xml\.rels|xl/comments/comment\d+\.xml|xl/drawings/commentsDrawing\d+\.vml"
    )
    assert len(workbooks(written)) == len(FILE_NAMES) + len(OF_OTHERS) + 3
    for path in workbooks(written):
        is_slip = "returns" in path.parts
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                assert allowed.fullmatch(name), (path, name)
                part = archive.read(name)
                if name.endswith(".rels"):
                    assert b"TargetMode" not in part and b"http://x" not in part, (path, name)
                if name.startswith("xl/worksheets/sheet"):
                    tags = {node.tag.rpartition("}")[2] for node in ElementTree.fromstring(part).iter()}
                    assert "f" not in tags and tags.isdisjoint(
                        {"hyperlinks", "hyperlink", "oleObjects", "controls", "tableParts", "drawing"}
                    )
                    assert not is_slip or tags.isdisjoint({"dataValidations", "conditionalFormatting", "headerFooter"}), (path, name)
                if name == "xl/workbook.xml":
                    defined = [node for node in ElementTree.fromstring(part).iter() if node.tag.endswith("}definedName")]
                    # What a page repeats on paper is a name of the program's own.
                    assert all(node.get("name").startswith("_xlnm.") and "cmd" not in node.text for node in defined), (
                        path,
                        [node.text for node in defined],
                    )


def test_slips_hold_the_senders_texts(written):
    compared = 0
    for row in written.submissions:
        [path] = written.office.returned(row["unit_code"], row["submission_id"]).glob("*.xlsx")
        slip = openpyxl.load_workbook(path)
        for name, rows in written.sheets[row["submission_id"]].items():
            sheet = slip[name]
            for number, texts in enumerate(rows, start=1):
                for position, text in enumerate(texts, start=1):
                    cell = sheet.cell(number, position)
                    assert (plain(cell.value) if cell.value else "") == text, (path, cell.coordinate)
                    assert cell.data_type in {"s", "n"} and (cell.value is None or cell.data_type == "s")
                    # Whoever edits the cell does not turn it into a formula either.
                    assert not text.startswith(("=", "+", "-", "@")) or cell.quotePrefix, (path, cell.coordinate)
                    compared += 1
        for sheet in slip:
            for cell in (cell for cells in sheet.iter_rows() for cell in cells if cell.value is not None):
                assert cell.data_type == "s", (path, sheet.title, cell.coordinate)
    assert compared > 10_000


def test_receipts_say_the_texts_and_names_are_escaped(written):
    names = {bytes(row["inbox_path"]).rpartition(b"/")[2]: row["file_name"] for row in written.submissions}
    for name in FILE_NAMES:
        shown = names[kept_path(os.fsencode(name))]
        assert shown.isprintable(), shown
        for seen, escaped in {
            "\x1b": "\\x1b",
            "\u202e": "\\u202e",
            "\n": "\\n",
            "\udcff": "\\xff",
            ID_NUMBER: "4309**********1234",
        }.items():
            assert seen not in shown and (seen not in name or escaped in shown)
    for row in written.submissions:
        receipt = written.office.receipt(row["unit_code"], row["submission_id"])
        assert receipt == row["receipt"] and receipt["file_name"] == row["file_name"]
        if written.sheets[row["submission_id"]]:
            quoted = {entry["value_masked"] for entry in receipt["rejections"]}
            assert {text for text in HOSTILE if text.isprintable()} <= quoted


def test_paths_are_made_of_ids_and_hashes(written):
    outbox = [path.relative_to(written.office.settings.outbox) for path in written.office.settings.outbox.rglob("*")]
    ids = {row["submission_id"] for row in written.submissions}
    known = re.compile(
        r"\.duban-warehouse|returns|returns/[\dD-]+|returns/[\dD-]+/(\d{8}-\d{6})(/receipt\.json|/退回单-\1\.xlsx)?|site(/(index|\d{6})\.html|/\d{6}(/(\d{9}|days|issues|funds|projects|quality)\.html)?)?|templates|templates/[\dD-]+(/[\w（）]+\.xlsx)?"
    )
    assert [str(path) for path in outbox if not known.fullmatch(str(path))] == []
    assert {path.name for path in outbox if len(path.parts) == 3 and path.parts[0] == "returns"} == ids
    landed = [path for path in written.office.settings.landing.rglob("*") if path.is_file()]
    assert {path.name for path in landed} == {row["file_sha256"] for row in written.submissions}
    assert all(re.fullmatch("[0-9a-f]{64}", path.name) and path.parent.name == path.name[:2] for path in landed)
    home = written.office.settings.home
    assert [path for path in home.parent.rglob("*") if home not in path.parents and path != home] == []


class _Page(HTMLParser):
    def __init__(self, source: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def test_pages_have_no_element_and_no_attribute_from_a_sender(written):
    pages = sorted((written.office.settings.outbox / "site").rglob("*.html"))
    assert len(pages) >= 10
    seen = set()
    for path in pages:
        page = _Page(path.read_text(encoding="utf-8"))
        assert set(page.tags) <= ELEMENTS, set(page.tags) - ELEMENTS
        for _, name, value in page.attributes:
            assert not name.startswith("on") and name not in {"src", "srcset", "style", "srcdoc", "formaction"}, name
            assert not any(text.strip() in (value or "") for text in HOSTILE if text not in {"+1", "\r=1", "\t=1"}), (name, value)
        link = re.compile(r"(\.\./)?\d{6}\.html|(\d{6}/)?(\d{9}|days|issues|funds|projects|quality)\.html|#[\w-]+")
        assert all(link.fullmatch(value) for tag, name, value in page.attributes if (tag, name) == ("a", "href"))
        assert page.tags.count("script") == (2 if path.name == "days.html" else 0)
        text = "".join(page.words)
        seen |= {hostile for hostile in HOSTILE if hostile.strip() in text}
    assert len(seen) > 8 and "<script>0</script>" in seen and "{{7*7}}" in seen


def test_logs_have_one_line_per_message_and_no_names(written):
    messages = [record.getMessage() for record in written.records if record.name.startswith("duban")]
    assert any("S06" in message for message in messages)
    for message in messages:
        assert message.isprintable() and ID_NUMBER not in message, message
    everything = "\n".join(record.getMessage() for record in written.records)
    assert "\x1b[31m" not in everything and ID_NUMBER not in everything and "<script>0" not in everything


def test_a_log_line_is_one_line_whatever_a_folder_is_called(office, caplog):
    (office.settings.inbox / "\x1b[31m没有\nERROR 这个单位").mkdir(parents=True)
    (office.settings.inbox / "\x1b[31m没有\nERROR 这个单位" / "a.csv").touch()
    office.ingest()
    [message] = [record.getMessage() for record in caplog.records if "it is left alone" in record.getMessage()]
    assert message.isprintable()


def test_a_terminal_shows_every_character(written):
    for row in written.submissions:
        for line in lines(row["receipt"]):
            assert line.isprintable(), line


def test_receipts_are_plain_json(written):
    for path in written.office.settings.outbox.rglob("receipt.json"):
        assert json.loads(path.read_bytes())["submission_id"] == path.parent.name
