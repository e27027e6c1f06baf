"""A real PostgreSQL for every test that needs one: a server of its own on a free port, a fresh database per test from a template."""

from __future__ import annotations

import csv
import fcntl
import gc
import io
import itertools
import json
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openpyxl
import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from duban import access, divisions, warehouse
from duban.intake import inbox
from duban.ledgers import load_expectations
from duban.orchestration import dbt, parsed_project
from duban.quality import returns, rounds
from duban.settings import LOGINS, Settings
from local.config import load_installation
from local.embedded.postgres import SUPERUSER, Postgres
from local.sample import write_sample
from local.secrets import load_secrets

#: What the databases of one process of a run may take.
SERVER_BYTES = 4 * 2**30


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]
    finally:
        for probe in sockets:
            probe.close()


def pytest_configure() -> None:
    """Heavy libraries fill the heap of a run; to look through it for garbage as often as Python does costs a sixth of its time."""
    gc.set_threshold(100_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, and what waits more than it computes before all: the quick tests fill what is left of the processes."""
    first = ("test_system.py", "test_backup.py", "integration", "browser", "faults")
    items.sort(key=lambda item: min([*(number for number, name in enumerate(first) if name in item.path.parts), len(first)]))


class Server:
    """The embedded server of a test run, and its databases."""

    def __init__(self, home: Path):
        pg, airflow, site = free_ports(3)
        with pytest.MonkeyPatch.context() as patch:
            for name in ("DUBAN_INBOX", "DUBAN_OUTBOX", "AIRFLOW_CONN_WAREHOUSE", "DUBAN_HMAC_KEY"):
                patch.delenv(name, raising=False)
            patch.setenv("DUBAN_HOME", str(home))
            for name, port in (("PG", pg), ("AIRFLOW", airflow), ("SITE", site)):
                patch.setenv(f"DUBAN_{name}_PORT", str(port))
            installation = load_installation(must_exist=False)
        for folder in (installation.run, installation.logs):
            folder.mkdir(parents=True, exist_ok=True)
        self.secrets = load_secrets(installation.secrets)
        self.postgres = Postgres(installation, self.secrets)
        self.settings = installation.settings
        self._numbers = itertools.count(1)

    def superuser(self, database: str = "postgres") -> psycopg.Connection:
        """A connection that may do anything, with autocommit."""
        return self.postgres.connect(database, SUPERUSER, self.secrets.postgres_password)

    def copy_of(self, template: str) -> str:
        """A new database, a copy of the template; returns its connection string."""
        name = f"{template}_{next(self._numbers)}"
        with self.superuser() as conn:
            # copied by way of the log, its drop would wait for a checkpoint of all that was copied
            copy = "create database {} template {} strategy file_copy"
            conn.execute(sql.SQL(copy).format(sql.Identifier(name), sql.Identifier(template)))
            access.open_database(conn, name)
        parts = urlsplit(self.settings.warehouse_uri)
        return parts._replace(path=f"/{name}").geturl()

    def settings_of(self, home: Path, uri: str) -> Settings:
        """Settings of a home with such a database as its warehouse."""
        settings = replace(self.settings, warehouse_uri=uri)
        folders = {"home": home, "inbox": home / "inbox", "outbox": home / "outbox", "landing": home / "landing"}
        # the passwords of this server, wherever the home lies
        return replace(settings, login_uris={login: settings.uri(login) for login in LOGINS}, **folders)

    def drop(self, uri: str) -> None:
        """Drop such a database."""
        with self.superuser() as conn:
            conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(urlsplit(uri).path[1:])))


@contextmanager
def open_server(folder: Path, *, survives_power_cuts: bool = True) -> Iterator[Server]:
    """A running server with the template of all databases."""
    running = Server(folder)
    running.postgres.start()
    try:
        if not survives_power_cuts:
            with running.superuser() as conn:
                for option in ("fsync", "full_page_writes"):
                    conn.execute(f"alter system set {option} = off")
                conn.execute("select pg_reload_conf()")
        with warehouse.connect(running.settings) as conn:
            warehouse.schema.migrate(conn)
            warehouse.tables.provide_tables(conn, load_expectations(running.settings).ledgers.values())
            access.apply_rights(conn)
            divisions.register_reference(conn)
        yield running
    finally:
        running.postgres.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the whole run, in memory where there is enough: hundreds of databases come and go."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < SERVER_BYTES:
        memory = tmp_path_factory.getbasetemp()
    with (
        tempfile.TemporaryDirectory(dir=memory, prefix="duban-tests-") as folder,
        open_server(Path(folder), survives_power_cuts=False) as running,
    ):
        yield running


class Office:
    """A warehouse with its inbox and outbox, driven without Airflow: drop files, take them, look at what came of them."""

    def __init__(self, settings: Settings):
        self.settings = settings

    def drop(self, unit: str, name: str, content: bytes) -> Path:
        """Put a file into a unit's folder."""
        path = self.settings.inbox / unit / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def ingest(self) -> None:
        """Claim, judge, load, return: what the DAG does, with the rights that it has."""
        with warehouse.connect(self.settings, "loader") as conn:
            rounds.take_in(conn, self.settings)
            rounds.take_in_large(conn, self.settings)
            for apart in (False, True):
                returns.write_returns(conn, self.settings, apart=apart)

    def send(self, unit: str, name: str, content: bytes) -> dict[str, Any]:
        """Drop one file, take it, return its line of ops.submissions."""
        self.drop(unit, name, content)
        self.ingest()
        return self.query("select * from ops.submissions order by received_at desc limit 1")[0]

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a query."""
        with warehouse.connect(self.settings) as conn, conn.cursor(row_factory=dict_row) as cur:
            return cur.execute(statement, parameters).fetchall()

    def rejections(self, submission_id: str) -> list[tuple[int | None, str, str | None, str | None]]:
        """(row, rule, column, cell) of everything that was sent back of a submission, in order."""
        rows = self.query(
            """select row_no, rule_id, column_name, cell from quarantine.rejected_rows
               where submission_id = %s order by row_no, rule_id, cell""",
            [submission_id],
        )
        return [tuple(row.values()) for row in rows]

    def returned(self, unit: str, submission_id: str) -> Path:
        """Folder of a submission in the outbox."""
        return self.settings.outbox / "returns" / unit / submission_id

    def receipt(self, unit: str, submission_id: str) -> dict[str, Any]:
        """The receipt in the outbox."""
        return json.loads((self.returned(unit, submission_id) / "receipt.json").read_text(encoding="utf-8"))


@contextmanager
def open_office(server: Server, home: Path, template: str = "duban") -> Iterator[Office]:
    """An office on a database of its own, empty or a copy of another's.

    Files are at rest at once: that they must rest is tested where it matters.
    """
    uri = server.copy_of(template)
    settings = server.settings_of(home, uri)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "REST_SECONDS", 0.0)
        patch.setattr(rounds, "ROUNDS_SECONDS", float("inf"))  # all that is dropped is taken, however slow the machine
        try:
            yield Office(settings)
        finally:
            server.drop(uri)


@pytest.fixture(scope="session")
def installed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a warehouse as `make up` leaves it, with all marts, before any campaign and any file: a template for those who build."""
    uri = server.copy_of("duban")
    # a folder of all processes of this run: what dbt parses for one of them serves the others
    home = tmp_path_factory.getbasetemp().parent / "installed"
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        parsed_project.make_ready(server.settings_of(home, uri))
    dbt.build(server.settings_of(home, uri), "install", full_refresh=True, today=date(2019, 12, 31))
    return urlsplit(uri).path[1:]


@pytest.fixture
def installed_office(server: Server, installed: str, tmp_path: Path) -> Iterator[Office]:
    """An office for one test, with marts."""
    with open_office(server, tmp_path / "home", installed) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_installed_office(server: Server, installed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office with marts for all tests of a module."""
    with open_office(server, tmp_path_factory.mktemp("office") / "home", installed) as opened:
        yield opened


@pytest.fixture
def office(server: Server, tmp_path: Path) -> Iterator[Office]:
    """An office for one test."""
    with open_office(server, tmp_path / "home") as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_office(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office for all tests of a module: they look at what one large drop came to."""
    with open_office(server, tmp_path_factory.mktemp("office") / "home") as opened:
        yield opened


def csv_bytes(rows: Sequence[Sequence[Any]], encoding: str = "utf-8") -> bytes:
    """Rows as a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(encoding)


def xlsx_bytes(sheets: dict[str, Sequence[Sequence[Any]]], touch: Callable[[openpyxl.Workbook], None] | None = None) -> bytes:
    """Rows per sheet as a workbook; `touch` may change it before it is saved."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    if touch:
        touch(workbook)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


# ── the sample district, taken in day by day and built once for all tests that only look at it ─────────────────────────


BEITA = Path(__file__).parents[1] / "local" / "sample" / "beita_2020_central_batch1.csv"


@pytest.fixture(scope="session")
def sample_files(tmp_path_factory: pytest.TempPathFactory):
    """The sample district's files, by day."""
    return sorted(write_sample(tmp_path_factory.mktemp("sample")), key=lambda file: file.day)


@pytest.fixture(scope="session")
def sample_office(server: Server, installed: str, sample_files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A warehouse that took the sample and the real table of 北塔区 in, with its marts. To look at, not to change."""
    uri = server.copy_of(installed)
    home = tmp_path_factory.mktemp("sample_home")
    settings = server.settings_of(home, uri)
    office = Office(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "REST_SECONDS", 0.0)
        patch.setattr(rounds, "ROUNDS_SECONDS", float("inf"))
        office.drop("430511000", BEITA.name, BEITA.read_bytes())
        for _, files in itertools.groupby(sample_files, key=lambda file: file.day):
            for file in files:
                office.drop(file.unit_code, file.path.name, file.path.read_bytes())
            office.ingest()
    dbt.build(settings, "nightly")
    yield office
    server.drop(uri)
