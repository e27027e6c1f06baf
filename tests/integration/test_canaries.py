"""No identity number, telephone or household head leaves the schema `personal` and the sender's own slip, wherever a sender wrote it.

The whole chain without Airflow; what Airflow adds (its database, its logs) is searched in test_system.py.
"""

from __future__ import annotations

import io
import json
import logging
import stat
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any

import openpyxl
import psycopg
import pytest

from duban import warehouse
from duban.orchestration import dbt
from duban.publishing import messages
from duban.publishing.issues.frozen import read_frozen, read_issue
from duban.publishing.issues.publishing import publish
from duban.publishing.issues.series import SERIES
from duban.publishing.issues.tracing import figures_of, trace
from duban.publishing.issues.writing import keep_in_folder
from duban.publishing.site.pages import render_site
from duban.quality.template import write_template
from local.commands import check
from tests.conftest import Office, csv_bytes, open_office, xlsx_bytes
from tests.integration import canaries
from tests.integration.asked_system import run
from tests.integration.canaries import Search, Seeds
from tests.ledgers import GROUP, LEDGERS, OFFICE, OTHER, TOWNSHIP

DISTRICT, DAY = "430902", date(2020, 6, 30)


class Kept(logging.Handler):
    """Keeps what is logged, as a task's log would hold it."""

    def __init__(self):
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record, with its traceback."""
        self.lines.append(self.format(record))


@dataclass
class Told:
    """What came of everything that was sent."""

    office: Office
    seeds: Seeds
    logged: list[str]
    printed: str
    letters: list[messages.Message]
    published: list[str]
    returned: str


def corrected(office: Office, seeds: Seeds) -> Iterator[tuple[str, str, bytes]]:
    """The slips of what was partly sent back, with one cell put right and another canary in a text."""
    days = {ledger.of_type("date")[0].title for ledger in LEDGERS.values() if ledger.of_type("date")}
    for row in office.query("select * from ops.submissions where outcome = 'accepted_with_rejections' order by submission_id"):
        seeds.unit = row["unit_code"]
        [path] = office.returned(row["unit_code"], row["submission_id"]).glob("*.xlsx")
        book = openpyxl.load_workbook(path)
        for entry in row["receipt"]["rejections"]:
            sheet = next((sheet for sheet in book if sheet.title == entry["sheet"]), None)
            if sheet is not None and entry["column_name"] in days:
                sheet[entry["cell"]].value = "2020-06-04"
        sheet = book.worksheets[1]
        at = {cell.value: cell.column for row in sheet.iter_rows(max_row=4) for cell in row}
        ledger = max(LEDGERS.values(), key=lambda ledger: len(at.keys() & ledger.titles))
        *_, remark = [column.title for column in ledger.of_type("text") if not column.personal and column.title != ledger.withdraws]
        for number in range(4, sheet.max_row + 1):
            if sheet.cell(number, 1).value:
                sheet.cell(number, at[remark]).value = canaries.free_text(seeds, "text of a corrected slip", number, None)
        packed = io.BytesIO()
        book.save(packed)
        yield row["unit_code"], f"退回单改好{seeds.mobile('file name')}.xlsx", packed.getvalue()


@pytest.fixture(scope="module")
def told(server, installed, tmp_path_factory) -> Iterator[Told]:
    """Everything that a sender can write, sent, judged, built, published, shown, told and looked up."""
    seeds, kept, root = Seeds(), Kept(), logging.getLogger()
    level = root.level
    home = tmp_path_factory.mktemp("canaries") / "home"
    with open_office(server, home, installed) as office, pytest.MonkeyPatch.context() as patch:
        root.addHandler(kept)
        root.setLevel(logging.DEBUG)
        try:
            returned = []
            patch.setattr(office, "ingest", lambda ingest=office.ingest: returned.append(repr(ingest())))
            with warehouse.connect(office.settings) as conn:
                # a table that refuses a row says which one it was
                conn.execute("alter table personal.original_rows add constraint never check (cells->>'备注' not like '%%拒收%%')")
            strange = office.settings.inbox / seeds.id_number("folder name")
            strange.mkdir(parents=True)
            (strange / f"{seeds.mobile('file in a strange folder')}.csv").write_bytes(seeds.id_number("file in a strange folder").encode())
            (office.settings.inbox / f"{seeds.id_number('file in no folder')}.csv").write_bytes(b"")
            sent = list(canaries.files(seeds))
            for unit, name, content in sent:
                office.drop(unit, name, content)
            seeds.unit = OTHER
            header, [first, *_] = canaries.rows_of(canaries.PROBLEMS, seeds, "拒")
            first[header.index("备注")] = f"拒收{seeds.id_number('row that a table refuses')}"
            office.drop(OTHER, "表拒收20200624.csv", csv_bytes([header, first]))
            office.ingest()
            for unit, name, content in [*corrected(office, seeds), *sent[:1]]:
                office.drop(unit, name, content)
            office.ingest()
            dbt.build(office.settings, "nightly", today=DAY)
            with warehouse.connect(office.settings, "publisher") as conn:
                render_site(conn, office.settings.outbox)
                published = [publish(conn, series, DISTRICT, DAY, settle_seconds=0).publication_id for series in SERIES.values()]
                for publication in published:
                    keep_in_folder(conn, office.settings, publication)
                render_site(conn, office.settings.outbox)
            with warehouse.connect(office.settings) as conn:
                for unit in (TOWNSHIP, OTHER, OFFICE, GROUP):
                    write_template(conn, office.settings, unit, DAY)
                letters = list(composed(conn, office))
            yield Told(office, seeds, kept.lines, printed(office, sent), letters, published, "\n".join(returned))
        finally:
            root.removeHandler(kept)
            root.setLevel(level)


def composed(conn: psycopg.Connection, office: Office) -> Iterator[messages.Message]:
    """What would go to mailboxes and groups of every return and issue."""
    subjects = conn.execute("select distinct subject_kind, subject_id from ops.deliveries").fetchall()
    for kind, subject in subjects:
        for channel in ("email", "wecom"):
            delivery = warehouse.deliveries.Delivery(1, kind, subject, DISTRICT, channel, "a@b.invalid", "m", 0)
            yield messages.compose(conn, office.settings, delivery)


def printed(office: Office, sent: list[tuple[str, str, bytes]]) -> str:
    """What `make check` says of every file, and `make trace` of every figure."""
    system = SimpleNamespace(installation=SimpleNamespace(settings=office.settings))
    folder = office.settings.home / "own"
    folder.mkdir()
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output):
        patch.setattr("local.commands.check.open_warehouse", lambda system: warehouse.connect(system.installation.settings))
        for unit, name, content in sent:
            (folder / name).write_bytes(content)
            run(check, system, str(folder / name), unit)
            (folder / name).unlink()
        with warehouse.connect(office.settings) as conn:
            for (issue,) in conn.execute("select publication_id from published.publications").fetchall():
                frozen = read_frozen(conn, read_issue(conn, issue))
                figures = figures_of(frozen)
                for code in figures:
                    for figure, sources in trace(frozen, figures, code):
                        print(figure, *sources, sep="\n")
    return output.getvalue()


@pytest.fixture
def search(told) -> Search:
    """A search for everybody who was seeded."""
    return Search(told.seeds.all)


def test_the_canaries_were_sent_and_judged_in_every_way(told):
    seeded = told.seeds.all
    assert len({canary.sought for canary in seeded}) == len(seeded) > 1000
    assert {unit: {canary.kind for canary in seeded if canary.unit == unit} for unit in (TOWNSHIP, OTHER, OFFICE, GROUP)} == {
        **dict.fromkeys((TOWNSHIP, OTHER, OFFICE), {"id", "phone", "name"}),
        GROUP: {"id", "phone", "name"},
    }
    outcomes = {row["outcome"]: row["n"] for row in told.office.query("select outcome, count(*) as n from ops.submissions group by 1")}
    assert set(outcomes) == {"accepted", "accepted_with_rejections", "rejected", "duplicate"}
    rules = {row["rule_id"] for row in told.office.query("select distinct rule_id from quarantine.rejected_rows")}
    assert {f"S{number:02}" for number in range(1, 11)} | {f"R{number:02}" for number in (2, 3, 4, 5, 6, 7, 10)} <= rules
    assert told.office.query("select count(corrects_id) as n from ops.submissions")[0]["n"] >= 4
    known = told.office.query("select outcome from ops.submissions where file_name like '户主在%%'")
    assert {row["outcome"] for row in known} == {"accepted"} and len(known) >= 2 + len(LEDGERS)
    texts = told.office.query("select description from raw.problem_versions where description like '%%**%%'")
    assert len(texts) > 10 and any("尉***" in row["description"] for row in texts)
    # what a sender wrote is kept where it may be: the search would find it there
    with warehouse.connect(told.office.settings) as conn:
        kept = Search(seeded)
        kept.database("warehouse", conn)
    assert len({canary.sought for _, canary in kept.found if canary.kind == "id"}) > 150
    assert {where.split(".")[0] for where, _ in kept.found} == {"warehouse: personal"}


def test_no_table_of_the_warehouse_holds_one(told, search):
    with warehouse.connect(told.office.settings) as conn:
        search.database("warehouse", conn, "personal")
    assert search.report() == []
    assert search.looked["warehouse"] > 50_000


def test_nothing_in_the_outbox_holds_one_but_the_senders_own_sheets(told, search):
    outbox = told.office.settings.outbox
    search.outbox(outbox)
    assert search.report() == []
    assert search.looked["outbox"] > 100
    slips, templates = list(outbox.glob("returns/*/*/*.xlsx")), list(outbox.glob("templates/*/*.xlsx"))
    assert len(slips) > 20 and len(templates) == 4
    own = Search(told.seeds.all)
    for slip in slips:
        own.content("slip", slip.read_bytes())
    assert own.found  # a slip carries what its sender wrote, and the search can read it


def test_nothing_told_or_printed_names_one(told, search):
    for letter in told.letters:
        search.text("letter", f"{letter.subject}\n{letter.text}")
        for attachment in letter.attachments:
            search.text("letter", attachment.file_name)
            if not attachment.file_name.startswith("退回单"):
                search.content("letter", attachment.content)
    assert search.looked["letter"] > 60
    search.text("console", told.printed)
    search.text("returned by functions", told.returned)
    assert len(told.printed) > 100_000
    assert search.report() == []


def test_no_log_and_no_file_of_the_pipeline_names_one(told, search, server):
    home = told.office.settings.home
    search.text("logs", "\n".join(told.logged))
    assert len(told.logged) > 100
    search.tree("home", home, home / "landing", home / "outbox", home / "inbox")
    for path in (home / "landing").rglob("*"):
        search.text("names in the landing area", path.name)
    search.content("postgres.log", (server.settings.home / "logs" / "postgres.log").read_bytes())
    assert search.report() == []
    assert search.looked["home"] > 2  # logs and artefacts of dbt
    assert stat.S_IMODE((home / "landing").stat().st_mode) == 0o700


def test_what_a_closed_table_refused_went_back_and_was_not_quoted(told):
    [row] = told.office.query("select outcome, receipt from ops.submissions where file_name = '表拒收20200624.csv'")
    assert row["outcome"] == "rejected" and "程序处理这个文件时出错" in json.dumps(row["receipt"], ensure_ascii=False)
    assert any("CheckViolation" in line for line in told.logged)


PROVOKED = {
    "a unique violation": "insert into personal.households select household_key, '{0}', '{1}' from personal.households",
    "a bad date": "select '{0}'::date",
    "a bad number": "select '{0} {1}'::numeric",
    "a number too large": "select ('{0}' || '{0}')::bigint",
    "a division": "select 1 / ('{0}'::numeric - '{0}'::numeric)",
    "a syntax error": "selct '{0}', '{1}'",
    "an unknown column": 'select "{0}" from personal.households',
    "bad json": "select '{{\"a\": {0} {1}}}'::jsonb",
    "a bad enumeration": "select '{0}'::timestamptz at time zone '{1}'",
    "an exception that quotes": "do $$ begin raise exception 'row % %', '{0}', '{1}'; end $$",
    "a timeout": "set statement_timeout = 50; select pg_sleep(1), '{0}', '{1}'",
}


def test_the_log_of_the_server_quotes_no_row(told, server):
    """Whatever fails, in whoever's session: the client is told, the log is not."""
    seeds = Seeds()
    log = server.settings.home / "logs" / "postgres.log"
    begin = log.stat().st_size
    for role in (None, "loader", "transformer", "publisher"):
        with warehouse.connect(told.office.settings, *([role] if role else [])) as conn:
            for name, statement in PROVOKED.items():
                if role is None or "personal" not in statement:
                    with pytest.raises(psycopg.Error):
                        conn.execute(statement.format(seeds.id_number(name), seeds.name(name)))
                conn.rollback()
            with (
                pytest.raises(psycopg.Error),
                conn.cursor() as cur,
                cur.copy("copy pg_temp.nothing from stdin" if role else "copy raw.units from stdin") as copy,
            ):
                copy.write(f"{seeds.id_number('copy')}\t{seeds.name('copy')}\n")
            conn.rollback()
    search = Search(seeds.all)
    search.content("postgres.log", log.read_bytes()[begin:])
    assert search.report() == []
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(told.office.settings.warehouse_uri, password="wrong")
    assert b"password authentication failed" in log.read_bytes()[begin:]  # what matters to the operator is still there


FORMS = {
    "plain": "{0}",
    "spaced": "{1}",
    "full width": "{2}",
    "with strokes": "{3}",
    "between letters": "户{0}口",
    "in JSON": "{4}",
    "in HTML": "<b>{5}</b>{6}",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["id_number", "mobile", "landline", "old_id_number", "name"])
def test_the_search_finds_what_is_there(told, tmp_path, form, kind):
    """A canary planted in each place that is searched: a search that finds nothing anywhere proves nothing."""
    seeds = Seeds()
    text = getattr(seeds, kind)("planted")
    half = len(text) // 2
    words = FORMS[form].format(
        text,
        " ".join(text),
        "".join(chr(ord(c) + 0xFEE0) if c.isascii() else c for c in text),
        f"{text[:half]}-{text[half:]}" if kind != "name" else text,
        json.dumps({"value": text}),
        text[:half],
        text[half:],
    )
    book = xlsx_bytes({"表": [["甲", words]]})

    def finds(where: str, look: Any) -> None:
        search = Search([*told.seeds.all[:50], *seeds.all])
        look(search)
        assert [canary.place for _, canary in search.found] == ["planted"], (where, search.found)

    for encoding in ("utf-8", "gb18030", "utf-16"):
        (tmp_path / "planted.log").write_bytes(f"INFO {words} 完".encode(encoding))
        finds(encoding, lambda search: search.tree("logs", tmp_path))
    (tmp_path / "planted.log").unlink()
    finds("xlsx", lambda search: search.content("outbox", book))
    finds("slip", lambda search: search.slip("slip", xlsx_bytes({"退回说明": [[words]]}), TOWNSHIP))
    with warehouse.connect(told.office.settings) as conn, conn.transaction(force_rollback=True):
        conn.execute("create schema planted")
        others = [name for (name,) in conn.execute("select nspname from pg_namespace where nspname <> 'planted'").fetchall()]
        for column, value in (("text", words), ("jsonb", json.dumps({"a": [words]})), ("bytea", book), ("text[]", [words])):
            conn.execute(f"create table planted.place (place {column})")
            conn.execute("insert into planted.place values (%s)", (value,))
            finds(column, lambda search: search.database("warehouse", conn, *others))
            conn.execute("drop table planted.place")
    if form == "plain" and len(text) < 200:
        named = tmp_path / words
        named.touch()
        finds("file name", lambda search: search.tree("names", tmp_path))
