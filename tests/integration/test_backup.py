"""A backup is one moment, whole or not at all; a restore survives any kill, and with what arrived since nothing is amiss."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import re
import shutil
import signal
import stat
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import openpyxl
import psycopg
import pytest
from psycopg import sql

from duban import access, install, warehouse
from duban.orchestration import dbt
from duban.publishing.issues import publishing, writing
from duban.publishing.issues.freezing import Issue
from duban.publishing.issues.series import DAILY
from local.backup import restoring as restore
from local.backup import writing as backup
from local.backup.archive import MANIFEST, Manifest, Place
from local.backup.note import Note
from local.backup.restoring import read_backup
from local.backup.writing import write_backup
from local.console import Console, Problem
from local.embedded.postgres import HOST, SUPERUSER
from tests.conftest import Office, Server, csv_bytes, open_office, open_server
from tests.faults.moments import stop_at
from tests.integration.ledgers import FUND_HEADER, OFFICE, OTHER, TOWNSHIP, movement, problem, problems_csv, problems_xlsx
from tests.integration.test_access import deviations

DISTRICT = "430902"
FIRST_DAY, DAY, LAST_DAY = date(2020, 6, 22), date(2020, 6, 24), date(2020, 6, 30)
# made once: a workbook holds the time at which it was made
WRONG = problems_xlsx(problem("甲-5"), problem("甲-6", 发现日期="六月"))


def superuser_uri(server: Server, database: str = "postgres") -> str:
    password = quote(server.secrets.postgres_password, safe="")
    return f"postgresql://{SUPERUSER}:{password}@{HOST}:{server.settings.pg_port}/{database}"


def place_of(server: Server, office: Office) -> Place:
    """The home of an office, its key in a file."""
    key = office.settings.home / "secrets" / "hmac_key"
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_text(office.settings.hmac_key, encoding="ascii")
    settings = replace(office.settings, admin_uri=superuser_uri(server), metadata_uri="")
    return Place(settings, {"hmac_key": office.settings.hmac_key}, {"hmac_key": key}, True)


def database_of(office: Office) -> str:
    return urlsplit(office.settings.warehouse_uri).path[1:]


@pytest.fixture
def quiet() -> Console:
    return Console()


@pytest.fixture(scope="module")
def prepared(server, installed, tmp_path_factory) -> Iterator[Office]:
    """A warehouse with problems of two townships, its marts, and a return that was written."""
    with open_office(server, tmp_path_factory.mktemp("backup") / "home", installed) as office:
        for unit, key in ((TOWNSHIP, "甲"), (OTHER, "乙")):
            rows = [problem(f"{key}-{number}") for number in range(5)]
            assert office.send(unit, f"{key}20200622.csv", problems_csv(*rows))["outcome"] == "accepted"
        install.provide(office.settings)
        dbt.build(office.settings, "nightly", today=LAST_DAY)
        yield office


@pytest.fixture
def open_twin(server, prepared, tmp_path):
    """Opens copies of it, each with a home of its own."""
    with ExitStack() as stack:

        def open_one(name: str) -> Office:
            template = database_of(prepared)
            office = stack.enter_context(open_office(server, tmp_path / name, template=template))
            for folder in ("landing", "outbox"):
                shutil.copytree(prepared.settings.home / folder, tmp_path / name / folder)
            return office

        yield open_one
        with server.superuser() as conn:
            for (name,) in conn.execute(r"select datname from pg_database where datname ~ '_(before_.*|restoring)$'").fetchall():
                conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def office(open_twin) -> Office:
    return open_twin("home")


def publish(office: Office, day: date) -> Issue:
    with warehouse.connect(office.settings, "publisher") as conn:
        issue = publishing.publish(conn, DAILY, DISTRICT, day, settle_seconds=0.0)
        writing.keep_in_folder(conn, office.settings, issue.publication_id)
    return issue


def files_of_the_outbox(office: Office) -> dict[str, bytes]:
    outbox = office.settings.outbox
    return {
        str(path.relative_to(outbox)): path.read_bytes()
        for path in sorted(outbox.rglob("*"))
        if path.is_file() and not in_hidden(path, outbox)
    }


def in_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def restored(server: Server, office: Office, path: Path, *, is_confirmed: bool = True) -> Note:
    """Restore, and start as an update does."""
    place = place_of(server, office)
    note = restore.restore(place, path, Console(), is_confirmed=is_confirmed)
    install.provide(place.settings)
    note.finish()
    return note


def lose(server: Server, office: Office) -> None:
    """The database is dropped, landing and outbox are deleted."""
    server.drop(office.settings.warehouse_uri)
    for folder in (office.settings.landing, office.settings.outbox):
        shutil.rmtree(folder)


# ── the drill ────────────────────────────────────────────────────────────────────────────────────────────────────────

# Columns that must differ between two systems that did the same, each for its reason; everything else must be equal.
BY_THE_CLOCK = {
    "claimed_at", "removed_at", "known_at", "published_at", "created_at", "sent_at", "next_attempt_at", "judged_at", "started_at",
    "finished_at", "rendered_at", "applied_at", "held_at", "checked_at", "ended_at", "built_at", "file_mtime_ns",
    "file_ctime_ns", "file_inode",
}  # fmt: skip
# of rows, submissions and issues with other numbers or times inside
HASHED = {"data_fingerprint", "sha256", "content"}
# numbers that PostgreSQL gives; after a restore some are left out
GIVEN = {"version_id", "rejection_id", "finding_id", "finding_no", "delivery_id", "message_id", "gate_result_id", "build_id"}
# A log of what was tried, not of what is known: a build that was lost was made again. What was read from it is compared.
LOGS = {"ops.builds", "ops.live_pages", "ops.gate_results", "ops.schema_migrations", "marts.fct_builds"}


def everything(office: Office) -> dict[str, list[str]]:
    """Every row of every table. In place of a submission's number and time of arrival: the how-manieth arrival it was."""
    arrivals = office.query("select * from ops.submissions order by received_at nulls last, submission_id")
    ids = {row["submission_id"]: f"arrival {number}" for number, row in enumerate(arrivals)}
    # a slip holds the number of what it corrects
    ids |= {row["file_sha256"]: f"slip of {ids[row['corrects_id']]}" for row in arrivals if row["corrects_id"]}
    times = {row["received_at"]: f"arrival {number}" for number, row in enumerate(arrivals) if row["received_at"]}

    def told(name: str, value: Any) -> Any:
        if name == "receipt" and value:
            return {
                key: ids.get(part, times.get(part, part)) if isinstance(part, str) else part
                for key, part in value.items()
                if key != "received_at"
            }
        if isinstance(value, str):
            return ids.get(value, value)
        return (
            times.get(value, value)
            if name in ("received_at", "through_received_at")
            else str(value)
            if isinstance(value, (dict, list))
            else value
        )

    tables = office.query(
        """select nspname || '.' || relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
           where relkind in ('r', 'v') and nspname in ('raw', 'personal', 'quarantine', 'ops', 'published', 'marts') order by 1"""
    )
    found = {}
    for table in (row["name"] for row in tables):
        if table in LOGS:
            continue
        rows = office.query(f"select * from {table}")
        for row in rows:
            if row.get("corrects_id"):
                row.pop("file_size", None)
        kept = [{key: told(key, value) for key, value in row.items() if key not in BY_THE_CLOCK | HASHED | GIVEN} for row in rows]
        found[table] = sorted(json.dumps(row, default=str, sort_keys=True, ensure_ascii=False) for row in kept)
    return found


def corrected_slip(office: Office, file_name: str) -> bytes:
    """The slip of a file, with what was wrong put right."""
    [row] = office.query("select submission_id, unit_code from ops.submissions where file_name = %s", [file_name])
    [path] = office.returned(row["unit_code"], row["submission_id"]).glob("*.xlsx")
    workbook = openpyxl.load_workbook(path)
    for sheet in workbook.worksheets[1:]:
        for cell in (cell for cells in sheet.iter_rows() for cell in cells):
            if cell.value == "六月":
                cell.value = "2020-06-05"
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def history(office: Office) -> list[tuple[str, str, bytes]]:
    """What is sent after the first issue, one after the other."""
    long = [problem(f"长-{number}", 问题描述=f"第{number}户屋顶漏雨") for number in range(60)]
    fixed = {"整改状态": "整改到位", "整改措施": "已修缮"}
    funds = csv_bytes([FUND_HEADER, *(movement(f"流-{number}", "1.25") for number in range(4)), movement("流-9", "-1")])
    return [
        (OTHER, "乙20200623.csv", problems_csv(*(problem(f"乙-{number}", 整改状态="整改中", 整改措施="已进场") for number in range(3)))),
        (TOWNSHIP, "更正20200622.xlsx", corrected_slip(office, "错20200622.xlsx")),
        (TOWNSHIP, "甲20200623.csv", problems_csv(*(problem(f"甲-{number}", **fixed) for number in range(2)), problem("甲-7"))),
        (TOWNSHIP, "资金20200623.csv", funds),
        (OTHER, "长20200623.csv", problems_csv(*long)),
        (OFFICE, "撤销20200624.csv", problems_csv(problem("甲-3", 乡镇="迎风桥镇", 问题描述="漏雨，已核实"))),
        (OTHER, "坏20200624.csv", b"PK\x03\x04broken"),
        (OTHER, "乙20200624.csv", problems_csv(problem("乙-1", 发现日期="六月"), problem("乙-8"))),
        (OTHER, "又一次20200623.csv", problems_csv(*long)),
        (TOWNSHIP, "末20200624.csv", problems_csv(problem("甲-9"), problem("甲-9"))),
    ]


def begin(office: Office) -> None:
    """A file with rows that are sent back, and the first issue."""
    assert office.send(TOWNSHIP, "错20200622.xlsx", WRONG)["rejected_count"] == 1
    dbt.build(office.settings, "nightly", today=LAST_DAY)
    assert publish(office, FIRST_DAY).issue_no == 1


def figures(office: Office) -> list[dict]:
    """What the issues print; their files hold numbers of submissions and the time."""
    rows = office.query("select content from published.documents where file_name = 'manifest.json' order by publication_id")
    return [json.loads(bytes(row["content"]))["figures"] for row in rows]


def test_a_lost_system_is_the_one_that_never_failed(server, open_twin, tmp_path, quiet):
    never, lost = open_twin("never"), open_twin("lost")
    for office in (never, lost):
        begin(office)
    for sent in history(never):
        never.send(*sent)
    dbt.build(never.settings, "nightly", today=LAST_DAY)
    assert publish(never, DAY).issue_no == 2

    files, half_way = history(lost), threading.Event()

    def send_all() -> None:
        for number, sent in enumerate(files):
            lost.send(*sent)
            if number == 2:
                half_way.set()

    sender = threading.Thread(target=send_all)
    sender.start()
    assert half_way.wait(60)
    path = write_backup(place_of(server, lost), tmp_path / "backups", quiet)
    sender.join(120)
    dbt.build(lost.settings, "nightly", today=LAST_DAY)
    second = publish(lost, DAY)
    assert second.issue_no == 2
    lose(server, lost)

    note = restored(server, lost, path, is_confirmed=False)
    known = {row["file_name"] for row in lost.query("select file_name from ops.submissions")}
    since = [sent for sent in files if sent[1] not in known]
    assert 0 < len(since) <= len(files) - 3, "the backup was taken while files were sent"
    assert [row["issue_no"] for row in lost.query("select issue_no from published.publications")] == [1]
    lost.ingest()  # what had been taken and not judged
    for sent in since:
        lost.send(*sent)
    dbt.build(lost.settings, "nightly", today=LAST_DAY)
    again = publish(lost, DAY)
    assert (again.publication_id, again.issue_no) == (second.publication_id, 2)

    a, b = everything(never), everything(lost)
    assert a.keys() == b.keys() and len(a) > 40
    differing = {table: sorted(set(rows) ^ set(b[table]))[:4] for table, rows in a.items() if rows != b[table]}
    assert differing == {}
    assert sum(map(len, a.values())) > 1000 and len(a["raw.problem_versions"]) > 70 and len(a["published.ranking_rows"]) == 20

    # every file that was sent, every return and issue, nothing twice
    for row in lost.query("select file_sha256, file_name from ops.submissions"):
        assert (lost.settings.landing / row["file_sha256"][:2] / row["file_sha256"]).is_file(), row["file_name"]

    def outbox(office: Office) -> list[str]:
        names = {row["submission_id"]: row["file_name"] for row in office.query("select submission_id, file_name from ops.submissions")}
        return sorted(re.sub(r"\d{8}-\d{6}", lambda found: names[found.group()], path) for path in files_of_the_outbox(office))

    assert outbox(lost) == outbox(never) and len(outbox(lost)) == 25
    assert figures(lost) == figures(never) and len(figures(lost)) == 2
    assert not note.path.exists()


def test_backups_that_are_taken_while_files_arrive(server, open_twin, tmp_path, quiet):
    office, checker = open_twin("busy"), open_twin("checker")
    is_over = threading.Event()

    def send_on() -> None:
        for number in range(200):
            if is_over.is_set():
                return
            office.drop(
                TOWNSHIP, f"{number}-20200624.csv", problems_csv(problem(f"丙-{number}"), problem(f"丙-{number}-乙", 发现日期="六月"))
            )
            office.ingest()

    sender = threading.Thread(target=send_on)
    sender.start()
    taken = []
    try:
        for number in range(1, 4):
            while len(office.query("select from ops.deliveries where status = 'sent'")) < 2 + 2 * number:
                time.sleep(0.02)
            taken.append(write_backup(place_of(server, office), tmp_path / "backups", quiet))
    finally:
        is_over.set()
        sender.join(60)
    counts = []
    for path in taken:
        restored(server, checker, path)
        manifest = read_backup(path, quiet)
        known = {row["file_sha256"] for row in checker.query("select file_sha256 from ops.submissions")}
        assert {name.rpartition("/")[2] for name in manifest.members if name.startswith("landing/")} == known
        loaded = "select count(*) as n from raw.problem_versions where problem_no like '丙%%'"
        judged = "select count(*) as n from ops.submissions where file_name like '%%-20200624.csv' and outcome is not null"
        assert checker.query(loaded) == checker.query(judged)
        sent = checker.query(
            "select unit_code, subject_id from ops.deliveries join ops.submissions on submission_id = subject_id where status = 'sent'"
        )
        there = {path.parent.name for path in (checker.settings.outbox / "returns").glob("*/*/receipt.json")}
        assert {row["subject_id"] for row in sent} == there
        checker.ingest()  # what was under way is finished
        assert checker.query("select count(*) as n from ops.submissions where outcome is null") == [{"n": 0}]
        assert checker.query("select count(*) as n from ops.deliveries where status <> 'sent'") == [{"n": 0}]
        counts.append(len(there))
    assert sorted(set(counts)) == counts, "each backup holds more than the one before"


def test_what_arrives_between_the_first_look_and_the_dump_is_in_the_next_one(server, open_twin, tmp_path, quiet, monkeypatch):
    office, checker = open_twin("busy"), open_twin("checker")
    dump = backup._dump

    def dump_late(*args) -> None:
        assert office.send(TOWNSHIP, "后20200624.csv", problems_csv(problem("后-1", 发现日期="六月")))["outcome"] == "rejected"
        dump(*args)

    monkeypatch.setattr(backup, "_dump", dump_late)
    path = write_backup(place_of(server, office), tmp_path / "backups", quiet)
    manifest = read_backup(path, quiet)
    assert [name for name in manifest.members if "退回单" in name] == [] and len(manifest.members) == 6
    restored(server, checker, path)
    assert len(checker.query("select 1 from ops.submissions")) == 2 == manifest.counts["ops.submissions"]
    assert checker.send(TOWNSHIP, "后20200624.csv", problems_csv(problem("后-1", 发现日期="六月")))["outcome"] == "rejected"


def test_a_build_and_a_backup_wait_for_each_other(server, office, tmp_path, quiet):
    done = threading.Event()

    def back_up() -> None:
        write_backup(place_of(server, office), tmp_path / "backups", quiet)
        done.set()

    with warehouse.connect(office.settings, "transformer") as conn:
        with warehouse.builds.build_lock(conn):
            threading.Thread(target=back_up).start()
            assert not done.wait(1.0)
        assert done.wait(30)


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def taken(server, prepared, tmp_path_factory) -> Path:
    """A backup of the prepared warehouse, in which one issue is published."""
    publish(prepared, FIRST_DAY)
    return write_backup(place_of(server, prepared), tmp_path_factory.mktemp("taken"), Console())


def test_what_lies_in_it(prepared, taken):
    assert stat.S_IMODE(taken.stat().st_mode) == 0o600
    with tarfile.open(taken) as tar:
        names = tar.getnames()
        assert tar.extractfile("secrets/hmac_key").read().decode() == prepared.settings.hmac_key
        said = json.load(tar.extractfile(MANIFEST))
    hashes = [row["file_sha256"] for row in prepared.query("select file_sha256 from ops.submissions order by 1")]
    assert [name for name in names if not name.startswith("outbox/")] == [
        "warehouse.dump", "secrets/hmac_key", *(f"landing/{sha256[:2]}/{sha256}" for sha256 in hashes), MANIFEST,
    ]  # fmt: skip
    outbox = {name.removeprefix("outbox/") for name in names if name.startswith("outbox/")}
    assert outbox == set(files_of_the_outbox(prepared)) and len(outbox) == 6
    assert said["counts"]["raw.problem_versions"] == 10 and said["counts"]["published.publications"] == 1
    assert said["migrations"] == [path.stem for path in sorted(warehouse.schema.MIGRATIONS.glob("*.sql"))]
    assert said["postgres"].startswith("18.") and said["missing"] == []


def test_a_file_that_is_lost_or_damaged_is_told(server, office, tmp_path, quiet):
    first, second = sorted(path for path in office.settings.landing.rglob("*") if path.is_file())
    first.unlink()
    second.chmod(0o600)
    second.write_bytes(b"other bytes")
    with pytest.raises(Problem, match="was written, but 2 files that the warehouse knows are lost or damaged"):
        write_backup(place_of(server, office), tmp_path / "backups", quiet)
    [path] = (tmp_path / "backups").glob("*.tar")
    manifest = read_backup(path, quiet)
    assert {name.rpartition("/")[2] for name in manifest.missing} == {first.name, second.name}


def test_the_newest_are_kept(server, office, tmp_path, quiet):
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in range(1, 5):
        (folder / f"duban-2020060{day}T000000.tar").touch()
    (folder / "notes.tar").touch()
    newest = write_backup(place_of(server, office), folder, quiet, keep=3)
    assert sorted(path.name for path in folder.glob("*.tar")) == [
        "duban-20200603T000000.tar",
        "duban-20200604T000000.tar",
        newest.name,
        "notes.tar",
    ]
    again = write_backup(place_of(server, office), folder, quiet, keep=0)
    assert len(list(folder.glob("*.tar"))) == 5 and again != newest


DEATHS_OF_A_BACKUP = {
    "warehouse dumped": (backup, "_dump", 1, "after"),
    "half the files packed": (backup._Packed, "_add", 4, "after"),
    "before it is on the disk": (os, "fsync", 1, "before"),
    "before it has its name": (Path, "rename", 1, "before"),
}


def died(point: tuple, work) -> int | None:
    """Do something in a process that dies at the point; returns its exit code."""

    def run() -> None:
        stop_at(point)
        work()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(120)
    return process.exitcode


@pytest.mark.parametrize("name", DEATHS_OF_A_BACKUP)
def test_a_killed_backup_is_none(server, office, tmp_path, quiet, name):
    folder = tmp_path / "backups"
    place = place_of(server, office)
    assert died(DEATHS_OF_A_BACKUP[name], lambda: write_backup(place, folder, quiet)) == -signal.SIGKILL
    assert list(folder.glob("*.tar")) == []
    path = write_backup(place, folder, quiet)
    assert [entry.name for entry in folder.iterdir() if entry.name != ".lock"] == [path.name]
    assert read_backup(path, quiet).missing == ()


def rewritten(source: Path, target: Path, change) -> Path:
    """The archive with changed members: `change` gets and gives (entry, content), or None to leave it out."""
    with tarfile.open(source) as old, tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as new:
        for entry in old:
            for changed, content in change(entry, old.extractfile(entry).read()):
                changed.size = len(content)
                new.addfile(changed, io.BytesIO(content))
    return target


def renamed(entry: tarfile.TarInfo, name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    other = tarfile.TarInfo(name)
    other.type, other.linkname = kind, "/elsewhere" if kind == tarfile.SYMTYPE else ""
    return other


def changed_manifest(entry, content, **changes):
    if entry.name != MANIFEST:
        return [(entry, content)]
    said = json.loads(content)
    for name, value in changes.items():
        said[name] = value
    return [(entry, json.dumps(said).encode())]


def newer(entry, content):
    """A manifest that is right in itself and names a migration that is not known here."""
    if entry.name != MANIFEST:
        return [(entry, content)]
    said = Manifest.from_bytes(content)
    return [(entry, replace(said, migrations=(*said.migrations, "9999_of_tomorrow")).to_bytes())]


TAMPERED = {
    "a file with other bytes": lambda e, c: [(e, c[:-1] + b"!" if e.name.startswith("landing/") else c)],
    "a dump with other bytes": lambda e, c: [(e, c[:900] + bytes([c[900] ^ 1]) + c[901:] if e.name == "warehouse.dump" else c)],
    "other counts": lambda e, c: changed_manifest(e, c, counts={}),
    "a receipt left out": lambda e, c: [] if e.name.endswith("receipt.json") else [(e, c)],
    "a receipt too many": lambda e, c: [(e, c), *([(renamed(e, "outbox/returns/1/2/x.json"), b"{}")] if e.name == MANIFEST else [])],
    "a name that leads out": lambda e, c: [(e, c), *([(renamed(e, "outbox/returns/../../../evil"), b"x")] if e.name == MANIFEST else [])],
    "a link": lambda e, c: [(e, c), *([(renamed(e, "outbox/returns/1/2/x", tarfile.SYMTYPE), b"")] if e.name == MANIFEST else [])],
    "a part twice": lambda e, c: [(e, c), (e, c)] if e.name == "secrets/hmac_key" else [(e, c)],
    "no manifest": lambda e, c: [] if e.name == MANIFEST else [(e, c)],
    "of a newer version": newer,
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_backup_that_was_changed_is_refused_before_anything_happens(server, office, taken, tmp_path, quiet, name):
    path = rewritten(taken, tmp_path / "changed.tar", TAMPERED[name])
    assert_refused(server, office, path, "by a newer version" if name == "of a newer version" else "Nothing was changed")


@pytest.mark.parametrize("size", [0, 5_000, 0.5, 0.97])
def test_half_a_backup_is_refused(server, office, taken, tmp_path, quiet, size):
    content = taken.read_bytes()
    path = tmp_path / "half.tar"
    path.write_bytes(content[: int(size * len(content)) if size < 1 else size])
    assert_refused(server, office, path, "Nothing was changed")


def assert_refused(server: Server, office: Office, path: Path, words: str) -> None:
    before = files_of_the_outbox(office)
    with pytest.raises(Problem, match=words):
        restore.restore(place_of(server, office), path, Console(), is_confirmed=True)
    assert files_of_the_outbox(office) == before
    with server.superuser() as conn:
        assert conn.execute("select count(*) from pg_database where datname like %s", [f"{database_of(office)}%"]).fetchone()[0] == 1
    assert not (office.settings.home / "run" / "restoring.json").exists()


def test_the_same_backup_unchanged_is_taken(taken, tmp_path, quiet):
    """What the tests above change is what they are refused for."""
    path = rewritten(taken, tmp_path / "same.tar", lambda entry, content: [(entry, content)])
    assert read_backup(path, quiet) == read_backup(taken, quiet)


# ── the restore ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_there_is_put_aside_and_only_when_that_is_meant(server, prepared, office, taken):
    later = office.send(TOWNSHIP, "后20200624.csv", problems_csv(problem("后-1")))
    assert office.returned(TOWNSHIP, later["submission_id"]).exists()
    inbox = office.drop(TOWNSHIP, "等20200624.csv", problems_csv(problem("等-1")))
    with pytest.raises(Problem, match="holds 3 submissions.*CONFIRM=yes"):
        restored(server, office, taken, is_confirmed=False)
    assert len(office.query("select 1 from ops.submissions")) == 3
    note = restored(server, office, taken)
    assert len(office.query("select 1 from ops.submissions")) == 2 and inbox.exists()
    assert not office.returned(TOWNSHIP, later["submission_id"]).exists()
    aside = office.settings.outbox / f".before-{note.at}"
    assert (aside / "returns" / TOWNSHIP / later["submission_id"] / "receipt.json").exists() and stat.S_IMODE(aside.stat().st_mode) == 0o700
    former = f"{database_of(office)}_before_{note.at}"
    with server.superuser(former) as conn:
        assert conn.execute("select count(*) from ops.submissions").fetchone()[0] == 3
    # once more: the first one came to its end, so this is another, and must be meant as well
    office.ingest()
    with pytest.raises(Problem, match="holds 3 submissions"):
        restored(server, office, taken, is_confirmed=False)
    time.sleep(1.0)
    assert restored(server, office, taken).at > note.at
    assert len(office.query("select 1 from ops.submissions")) == 2
    assert everything(office) == everything(prepared)


DEATHS_OF_A_RESTORE = {
    "noted": (Note, "_write", 1, "after"),
    "roles made": (install, "provide_server", 1, "after"),
    "database made, nothing in it": (restore, "_pg_restore", 1, "before"),
    "rows there": (restore, "_pg_restore", 1, "after"),
    "half the files laid out": (Path, "replace", 3, "after"),
    "files laid out, without their last name": (Path, "rename", 1, "before"),
    "before the change": (restore, "_swap_databases", 1, "before"),
    "half the names changed": (restore, "_alter", 2, "after"),
    "after the change": (restore, "_swap_databases", 1, "after"),
    "keys in place": (restore, "_place_keys", 1, "after"),
    "some folders aside": (Path, "rename", 3, "after"),
    "some folders in place": (Path, "rename", 6, "after"),
    "all in place": (restore, "_remember_what_marts_are_made_of", 1, "after"),
    "all done but the start": (Note, "_write", 2, "after"),
}


@pytest.mark.parametrize("name", DEATHS_OF_A_RESTORE)
def test_a_killed_restore_goes_on_when_it_is_run_again(server, prepared, office, taken, quiet, name):
    later = office.send(TOWNSHIP, "后20200624.csv", problems_csv(problem("后-1")))
    place = place_of(server, office)
    death = DEATHS_OF_A_RESTORE[name]
    assert died(death, lambda: restore.restore(place, taken, quiet, is_confirmed=True)) == -signal.SIGKILL
    # what was there is there, under its name or the other
    with server.superuser() as conn:
        names = [row[0] for row in conn.execute("select datname from pg_database where datname like %s", [f"{database_of(office)}%"])]
    held = []
    for database in names:
        with server.superuser(database) as conn:
            if conn.execute("select to_regclass('ops.submissions')").fetchone()[0]:
                held.append(conn.execute("select count(*) from ops.submissions").fetchone()[0])
    assert 3 in held
    # begun with CONFIRM=yes, it goes on without
    note = restored(server, office, taken, is_confirmed=name == "noted")
    assert everything(office) == everything(prepared)
    assert files_of_the_outbox(office) == files_of_the_outbox(prepared)
    assert not office.returned(TOWNSHIP, later["submission_id"]).exists()
    assert list((office.settings.outbox / f".before-{note.at}").glob("returns/*/*/receipt.json")) != []
    with server.superuser() as conn:
        names = [row[0] for row in conn.execute("select datname from pg_database where datname like %s", [f"{database_of(office)}%"])]
    assert sorted(names) == [database_of(office), f"{database_of(office)}_before_{note.at}"]
    assert not (office.settings.outbox / ".restoring").exists() and not note.path.exists()


def test_into_another_home_with_other_passwords(prepared, taken, tmp_path, quiet):
    with open_server(tmp_path / "other") as other:
        office = Office(other.settings)
        assert office.settings.uri("bi_reader") != prepared.settings.uri("bi_reader")
        key = other.settings.home / "secrets" / "hmac_key"
        former = key.read_text(encoding="ascii")
        place = place_of(other, office)
        note = restore.restore(place, taken, quiet, is_confirmed=False)
        install.provide(place.settings)
        assert everything(office) == everything(prepared)
        assert key.read_text(encoding="ascii") == prepared.settings.hmac_key != former
        assert key.with_name(f"hmac_key.before-{note.at}").read_text(encoding="ascii").strip() == former
        # everybody has the rights that they had
        with warehouse.connect(office.settings) as conn:
            assert deviations(conn) == {}
        with psycopg.connect(office.settings.uri("bi_reader")) as conn:
            assert conn.execute("select count(*) from marts.dim_townships").fetchone()[0] > 5
            for closed in ("personal.original_rows", "raw.problem_versions", "ops.submissions"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                    conn.execute(f"select 1 from {closed}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                conn.execute("select pg_advisory_lock(820004)")
        with psycopg.connect(office.settings.uri("personal_reader")) as conn:
            assert conn.execute("select count(*) from personal.original_rows").fetchone()[0] == 10
        with psycopg.connect(office.settings.uri("loader")) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select 1 from personal.original_rows")
        # and the pipeline goes on
        assert office.send(TOWNSHIP, "新20200624.csv", problems_csv(problem("新-1")))["outcome"] == "accepted"
        dbt.build(office.settings, "nightly", today=LAST_DAY)
        assert publish(office, DAY).issue_no == 2


def test_keys_that_are_handed_over_must_be_those_of_the_backup(server, office, taken, quiet):
    place = replace(place_of(server, office), keys={"hmac_key": "another"}, key_files={})
    with pytest.raises(Problem, match="another hmac_key than the backup"):
        restore.restore(place, taken, quiet, is_confirmed=True)
    assert not (office.settings.home / "run" / "restoring.json").exists()


def test_nobody_may_be_at_work(server, office, taken, quiet, monkeypatch):
    monkeypatch.setattr(restore, "PATIENCE_SECONDS", 0.3)
    with warehouse.connect(office.settings, "loader"), pytest.raises(Problem, match="still at work .duban_loader."):
        restore.restore(place_of(server, office), taken, quiet, is_confirmed=True)
    restored(server, office, taken)


def test_a_reader_is_sent_away_and_may_come_again(server, office, taken):
    with psycopg.connect(office.settings.uri("bi_reader")) as conn:
        conn.execute("select 1 from marts.dim_townships")
        restored(server, office, taken)
        with pytest.raises(psycopg.OperationalError):
            conn.execute("select 1 from marts.dim_townships")
    with psycopg.connect(office.settings.uri("bi_reader")) as conn:
        conn.execute("select 1 from marts.dim_townships")


def test_messages_that_may_have_gone_out_since_are_not_sent_again(server, office, tmp_path, quiet):
    with warehouse.connect(office.settings) as conn:
        recipient = {
            "district_code": DISTRICT,
            "audience": "internal",
            "unit_code": TOWNSHIP,
            "channel": "email",
            "address": "a@b.cn",
            "series": (),
            "is_active": True,
        }
        warehouse.recipients.replace_recipients(conn, [recipient])
    for number in range(2):
        office.send(TOWNSHIP, f"错{number}-20200624.csv", problems_csv(problem(f"错-{number}", 发现日期="六月")))
    with warehouse.connect(office.settings) as conn:
        waiting = warehouse.deliveries.due_deliveries(conn, to_folder=False)
        assert len(waiting) == 2
        warehouse.deliveries.decide_delivery(conn, waiting[0].delivery_id, "sent", ["waiting"], "told by telephone")
    path = write_backup(place_of(server, office), tmp_path / "backups", quiet)
    lose(server, office)
    restored(server, office, path)
    rows = office.query("select status, last_error from ops.deliveries where channel = 'email' order by delivery_id")
    assert rows == [{"status": "sent", "last_error": None}, {"status": "uncertain", "last_error": restore.MAYBE_SENT}]
    with warehouse.connect(office.settings) as conn:
        assert warehouse.deliveries.due_deliveries(conn, to_folder=False) == []


def test_airflows_metadata_come_back_with_their_owner(server, office, tmp_path, quiet):
    name = f"airflow_of_{database_of(office)}"
    uri = f"postgresql+psycopg://airflow:{quote(server.secrets.airflow_db_password, safe='')}@{HOST}:{server.settings.pg_port}/{name}"
    with server.superuser() as conn:
        conn.execute(sql.SQL("create database {} owner airflow").format(sql.Identifier(name)))
    place = place_of(server, office)
    place = replace(place, settings=replace(place.settings, metadata_uri=uri), keys={**place.keys, "fernet_key": "a fernet key"})
    place.key_files["fernet_key"] = office.settings.home / "secrets" / "fernet_key"
    try:
        with psycopg.connect(place.metadata_uri, autocommit=True) as conn:
            conn.execute("create table dag_run (run_id text)")
            conn.execute("insert into dag_run values ('first')")
        path = write_backup(place, tmp_path / "backups", quiet)
        with psycopg.connect(place.metadata_uri, autocommit=True) as conn:
            conn.execute("insert into dag_run values ('second')")
        stamp = office.settings.home / "airflow" / "migrated-to-3"
        stamp.parent.mkdir()
        stamp.touch()
        note = restored_into(place, path)
        with psycopg.connect(place.metadata_uri, autocommit=True) as conn:
            assert conn.execute("select run_id from dag_run").fetchall() == [("first",)]
            conn.execute("alter table dag_run add column owned boolean")
        assert not stamp.exists(), "Airflow looks whether its tables are those of its version"
        assert place.key_files["fernet_key"].read_text(encoding="ascii") == "a fernet key"
        with psycopg.connect(superuser_uri(server, f"{name}_before_{note.at}")) as conn:
            assert conn.execute("select count(*) from dag_run").fetchone()[0] == 2
    finally:
        with server.superuser() as conn:
            for (database,) in conn.execute("select datname from pg_database where datname like %s", [f"{name}%"]).fetchall():
                conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(database)))


def restored_into(place: Place, path: Path) -> Note:
    note = restore.restore(place, path, Console(), is_confirmed=True)
    install.provide(replace(place.settings, metadata_uri=""))
    note.finish()
    return note


def test_a_server_of_others_takes_it_into_an_empty_database(server, prepared, open_twin, taken, quiet):
    office = open_twin("elsewhere")
    place = Place(office.settings, {"hmac_key": office.settings.hmac_key}, {}, False)
    with pytest.raises(Problem, match="not empty"):
        restore.restore(place, taken, quiet, is_confirmed=True)
    lose(server, office)
    name = database_of(office)
    with server.superuser() as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        access.open_database(conn, name)
    with server.superuser(name) as conn:
        access.close_side_doors(conn)
    for death in ((restore, "_pg_restore", 1, "before"), (restore, "_pg_restore", 1, "after"), (restore, "_lay_out", 1, "after")):
        assert died(death, lambda: restore.restore(place, taken, quiet, is_confirmed=False)) == -signal.SIGKILL
    note = restore.restore(place, taken, quiet, is_confirmed=False)
    install.provide(place.settings)
    note.finish()
    owners = """select nspname, relname, relowner::regrole::text from pg_class join pg_namespace on pg_namespace.oid = relnamespace
                where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1, 2"""
    assert office.query(owners) == prepared.query(owners)
    assert everything(office) == everything(prepared)
    assert files_of_the_outbox(office) == files_of_the_outbox(prepared)
