"""Any warehouse of any release becomes the warehouse of this version: the catalogue of a new one, and nothing in it is lost."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from duban import access, install, warehouse
from duban.orchestration import dbt
from duban.publishing.issues import publishing, writing
from duban.publishing.issues.series import DAILY
from local.embedded.postgres import BIN, HOST, SUPERUSER
from tests.conftest import Office, Server
from tests.integration.ledgers import problem, problems_csv

RELEASES = Path(__file__).parents[1] / "fixtures" / "releases"
RELEASED = dict(reversed(line.split()) for line in (RELEASES / "migrations.sha256").read_text(encoding="ascii").splitlines())
MIGRATIONS = sorted(path.name for path in warehouse.schema.MIGRATIONS.glob("*.sql"))
OURS = ("raw", "personal", "quarantine", "ops", "published")


def test_a_released_migration_never_changes():
    now = {name: hashlib.sha256((warehouse.schema.MIGRATIONS / name).read_bytes()).hexdigest() for name in MIGRATIONS}
    assert len(RELEASED) >= 6 and {name: now.get(name) for name in RELEASED} == RELEASED
    assert min(set(MIGRATIONS) - set(RELEASED), default="9") > max(RELEASED), "a new migration comes after the released ones"
    assert len({name[:4] for name in MIGRATIONS}) == len(MIGRATIONS), "two migrations of one number"


class Warehouses:
    """Databases of their own on the server of the tests."""

    def __init__(self, server: Server, folder: Path):
        self._server = server
        self._folder = folder
        self.made: list[str] = []

    def empty(self) -> Office:
        """An empty database."""
        name = f"migrated_{len(self.made)}"
        with self._server.superuser() as conn:
            conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            access.open_database(conn, name)
        self.made.append(self._server.settings.warehouse_uri.rsplit("/", 1)[0] + f"/{name}")
        return Office(self._server.settings_of(self._folder / name, self.made[-1]))

    def first_release(self) -> Office:
        """The warehouse and the landed files that 0.1.0 left."""
        office = self.empty()
        place = {
            "PGHOST": HOST,
            "PGPORT": str(self._server.settings.pg_port),
            "PGDATABASE": office.settings.warehouse_uri.rsplit("/", 1)[1],
        }
        login = {"PGUSER": SUPERUSER, "PGPASSWORD": self._server.secrets.postgres_password}
        script = RELEASES / "0.1.0" / "warehouse.sql"
        command = [BIN / "psql", "-X", "-q", "-o", os.devnull, "-v", "ON_ERROR_STOP=1", "-f", script]
        subprocess.run(command, env={**place, **login}, check=True)
        shutil.copytree(RELEASES / "0.1.0" / "landing", office.settings.landing)
        # as the server does when it starts with this version
        with self._server.superuser(place["PGDATABASE"]) as conn:
            access.open_database(conn, place["PGDATABASE"])
            access.close_side_doors(conn)
        return office


@pytest.fixture(scope="module")
def warehouses(server, tmp_path_factory) -> Iterator[Warehouses]:
    warehouses = Warehouses(server, tmp_path_factory.mktemp("warehouses"))
    yield warehouses
    for uri in warehouses.made:
        server.drop(uri)


@pytest.fixture(scope="module")
def new(warehouses) -> Office:
    """A warehouse as this version makes it."""
    office = warehouses.empty()
    install.provide(office.settings)
    return office


# What the catalogue says, object by object; owners and rights with it.
CATALOGUE = """
    with ours as (select oid, nspname from pg_namespace where nspname = any(%(schemas)s)),
    relations as (
        select relation.*, relation.oid::regclass::text as name from pg_class as relation join ours on ours.oid = relnamespace
        where relkind in ('r', 'v', 'm', 'p', 'S')
    )
    select 'schema' as kind, nspname::text as name, concat_ws(' ', nspowner::regrole, obj_description(oid, 'pg_namespace')) as said
    from pg_namespace where nspname = any(%(schemas)s)
    union all
    select 'relation ' || relkind::text, name, concat_ws(
        ' ', relowner::regrole, obj_description(oid, 'pg_class'), case relkind when 'v' then pg_get_viewdef(oid) end
    )
    from relations
    union all
    select 'rights', name, (select string_agg(entry::text, ' ' order by entry::text) from unnest(relacl) as entry) from relations
    union all
    select 'column', name || '.' || attname, concat_ws(
        ' ', row_number() over (partition by attrelid order by attnum), format_type(atttypid, atttypmod), attnotnull,
        attidentity, attgenerated, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
    )
    from pg_attribute join relations on relations.oid = attrelid left join pg_attrdef on (adrelid, adnum) = (attrelid, attnum)
    where attnum > 0 and not attisdropped and relkind <> 'S'
    union all
    select 'constraint', conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace in (select oid from ours)
    union all
    select 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index join relations on relations.oid = indrelid
    union all
    select 'function', oid::regprocedure::text, concat_ws(
        ' ', proowner::regrole, pg_get_functiondef(oid), obj_description(oid, 'pg_proc'),
        (select string_agg(entry::text, ' ' order by entry::text) from unnest(proacl) as entry)
    )
    from pg_proc where pronamespace in (select oid from ours)
    union all
    select 'trigger', tgrelid::regclass || ' ' || tgname, pg_get_triggerdef(pg_trigger.oid) from pg_trigger
    join relations on relations.oid = tgrelid where not tgisinternal
    union all
    select 'sequence', seqrelid::regclass::text, concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcycle)
    from pg_sequence join relations on relations.oid = seqrelid"""


def catalogue(office: Office) -> dict[tuple[str, str], str]:
    rows = office.query(CATALOGUE, {"schemas": [*OURS, "candidates"]})
    found = {(row["kind"], row["name"]): row["said"] for row in rows}
    assert len(found) == len(rows) > 400
    return found


def migrate(office: Office, up_to: str | None = None) -> list[str]:
    with pytest.MonkeyPatch.context() as patch, warehouse.connect(office.settings) as conn:
        if up_to:
            released = office.settings.home / "released"
            shutil.rmtree(released, ignore_errors=True)
            released.mkdir(parents=True)
            for name in MIGRATIONS:
                if name <= up_to:
                    shutil.copyfile(warehouse.schema.MIGRATIONS / name, released / name)
            patch.setattr(warehouse.schema, "MIGRATIONS", released)
        return warehouse.schema.migrate(conn)


@pytest.mark.parametrize("state", MIGRATIONS)
def test_from_every_state_to_the_same_catalogue(warehouses, new, state):
    office = warehouses.empty()
    assert [f"{name}.sql" for name in migrate(office, state)] == MIGRATIONS[: MIGRATIONS.index(state) + 1]
    install.provide(office.settings)
    assert catalogue(office) == catalogue(new)


KEPT = {
    "submissions": "select submission_id, file_name, file_sha256, outcome, received_at, report_on, row_count, accepted_count,"
    " rejected_count, ignored_count, corrects_id, duplicate_of, receipt from ops.submissions order by 1",
    "problems": "select to_jsonb(v) - 'masked_at' from raw.problem_versions as v order by version_id",
    "movements": "select to_jsonb(v) - 'masked_at' from raw.fund_movement_versions as v order by version_id",
    "projects": "select to_jsonb(v) - 'masked_at' from raw.project_versions as v order by version_id",
    "original rows": "select * from personal.original_rows order by submission_id, sheet, row_no",
    "households": "select * from personal.households order by household_key",
    "rejections": "select rejection_id, submission_id, unit_code, ledger, sheet, row_no, column_name, cell, rule_id, value_masked, reason,"
    " how_to_fix from quarantine.rejected_rows order by rejection_id",
    "findings": "select finding_id, submission_id, rule_id, subject, text from quarantine.findings order by finding_id",
    "gate": "select * from ops.gate_results order by gate_result_id",
    "pages": "select page_id, build_id, rendered_at from ops.live_pages order by page_id",
}


def is_kept(was: Any, now: Any) -> bool:
    """Equal, but for characters of texts that became stars: household heads were masked in their own rows only."""
    if isinstance(was, str) and isinstance(now, str):
        return len(was) == len(now) and all(after in {before, "*"} for before, after in zip(was, now, strict=True))
    if isinstance(was, dict) and isinstance(now, dict):
        return was.keys() == now.keys() and all(is_kept(was[name], now[name]) for name in was)
    if isinstance(was, list | tuple) and isinstance(now, list | tuple):
        return len(was) == len(now) and all(map(is_kept, was, now))
    return was == now


def test_a_warehouse_of_the_first_release(warehouses, new):
    office = warehouses.first_release()

    def rows() -> dict[str, list]:
        with psycopg.connect(office.settings.warehouse_uri, options="-c role=none -c timezone=Asia/Shanghai") as conn:
            return {name: conn.execute(query).fetchall() for name, query in KEPT.items()}

    before = rows()
    assert {name: len(found) for name, found in before.items()} == {
        "submissions": 6, "problems": 12, "movements": 2, "projects": 5, "original rows": 22, "households": 8, "rejections": 4,
        "findings": 0, "gate": 40, "pages": 1,
    }  # fmt: skip
    with psycopg.connect(office.settings.warehouse_uri, options="-c role=none") as conn:
        returned = conn.execute(
            "select submission_id from ops.submissions where returned_at is not null and outcome <> 'duplicate'"
        ).fetchall()

    install.provide(office.settings)
    after = rows()
    assert is_kept(before, after)
    named = office.query("select name from personal.known_names")
    assert len(named) > 4 and all(
        row["name"] not in str(after[ledger]) for row in named for ledger in ("problems", "movements", "projects")
    )
    assert catalogue(office) == catalogue(new)
    deliveries = office.query("select subject_id, status, channel from ops.deliveries order by subject_id")
    assert sorted(row["subject_id"] for row in deliveries if row["status"] == "sent") == sorted(number for (number,) in returned)
    assert [(row["status"], row["channel"]) for row in deliveries].count(("waiting", "folder")) == 1 and len(deliveries) == 4

    # again: nothing to do
    assert migrate(office) == []
    install.provide(office.settings)
    assert rows() == after and catalogue(office) == catalogue(new)

    # it goes on where it stood: the file that waited is judged, the slip that was missing written, the next file counts
    office.ingest()
    outcomes = office.query(
        "select file_name, outcome, status from ops.submissions join ops.deliveries on subject_id = submission_id order by 1"
    )
    assert {row["status"] for row in outcomes} == {"sent"} and len(outcomes) == 5
    [fund] = office.query("select submission_id from ops.submissions where file_name like '资金台账%%'")
    assert office.receipt("430902006", fund["submission_id"])["outcome"] == "accepted_with_rejections"
    assert office.send("430902102", "新20200624.csv", problems_csv(problem("新-1"), problem("新-2")))["outcome"] == "accepted"
    with warehouse.connect(office.settings) as conn:
        conn.execute("update raw.districts set issuer_name = '资阳区扶贫办' where district_code = '430902'")
    dbt.build(office.settings, "install", full_refresh=True, today=date(2020, 6, 30))
    with warehouse.connect(office.settings, "publisher") as conn:
        issue = publishing.publish(conn, DAILY, "430902", date(2020, 6, 24), settle_seconds=0.0)
        folder = writing.keep_in_folder(conn, office.settings, issue.publication_id)
    assert issue.issue_no == 1 and len(list(folder.iterdir())) == 4
    [total] = office.query(
        "select sum(assigned_count) as problems from published.ranking_rows where publication_id = %s", [issue.publication_id]
    )
    [known] = office.query("select count(distinct problem_no) as problems from raw.problem_versions")
    assert total == known and known["problems"] > 14


@pytest.mark.parametrize("state", MIGRATIONS)
def test_a_warehouse_of_the_first_release_by_way_of_every_state(warehouses, new, state):
    office = warehouses.first_release()
    with psycopg.connect(office.settings.warehouse_uri, autocommit=True) as conn:
        access.hand_over(conn)
    migrate(office, state)
    install.provide(office.settings)
    assert catalogue(office) == catalogue(new)
    with psycopg.connect(office.settings.warehouse_uri, options="-c role=duban_owner") as conn:
        assert conn.execute("select count(*), sum(amount_yuan) from raw.fund_movement_versions").fetchone()[0] == 2


def test_two_at_once_wait_for_each_other(warehouses, new):
    office = warehouses.empty()
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrate(office))) for _ in range(3)]
    with warehouse.connect(office.settings) as conn:
        conn.execute("select pg_advisory_lock(%s)", [warehouse.locks.MIGRATE])
        for thread in threads:
            thread.start()
        threads[0].join(0.5)
        assert all(thread.is_alive() for thread in threads) and applied == []
        conn.execute("select pg_advisory_unlock(%s)", [warehouse.locks.MIGRATE])
    for thread in threads:
        thread.join(60)
    assert sorted(map(len, applied)) == [0, 0, len(MIGRATIONS)]
    install.provide(office.settings)
    assert catalogue(office) == catalogue(new)


FAILURES = {
    "in its last statement": ("insert into ops.half select 1 / 0;", psycopg.errors.DivisionByZero),
    # as one that is killed between the two
    "when it is noted": ("alter table ops.schema_migrations add check (version <> '9998_fails');", psycopg.errors.CheckViolation),
}


@pytest.mark.parametrize("where", FAILURES)
def test_a_migration_that_fails_leaves_nothing_of_itself(warehouses, monkeypatch, tmp_path, where):
    statement, error = FAILURES[where]
    office = warehouses.empty()
    folder = tmp_path / "migrations"
    shutil.copytree(warehouse.schema.MIGRATIONS, folder)
    bad = folder / "9998_fails.sql"
    bad.write_text(f"create table ops.half (number integer); {statement}", encoding="utf-8")
    (folder / "9999_after.sql").write_text("create table ops.after (number integer);", encoding="utf-8")
    monkeypatch.setattr(warehouse.schema, "MIGRATIONS", folder)
    with warehouse.connect(office.settings) as conn, pytest.raises(error):
        warehouse.schema.migrate(conn)
    tables = "select to_regclass('ops.half') as half, to_regclass('ops.after') as after"
    assert office.query(tables) == [{"half": None, "after": None}]
    seen = [row["version"] + ".sql" for row in office.query("select version from ops.schema_migrations order by 1")]
    assert seen == MIGRATIONS
    bad.write_text("create table ops.half (number integer);", encoding="utf-8")
    with warehouse.connect(office.settings) as conn:
        assert warehouse.schema.migrate(conn) == ["9998_fails", "9999_after"]
