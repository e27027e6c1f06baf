"""A random district sends random files, and in every part of the story something random goes wrong; then the books must be right.

A failure is repeated by its seed, as far as the timing of processes allows: `make test-faults SEED=… ROUNDS=1`.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

from duban import warehouse
from duban.intake import inbox
from duban.orchestration import dbt, guardian
from duban.publishing import delivery
from duban.publishing.issues import publishing, writing
from duban.publishing.issues.checks import Held
from duban.publishing.issues.freezing import Release
from duban.publishing.issues.series import DAILY
from duban.publishing.site.pages import render_site
from tests.conftest import Office, Server, open_office
from tests.faults import accounts
from tests.faults.clock import set_clock
from tests.faults.disks import full, small_disk
from tests.faults.moments import changing, forked
from tests.faults.proxy import Fault, between
from tests.faults.servers import stop_at_once
from tests.integration.district_files import LARGE, District, Writer, drop
from tests.integration.test_many_districts import register
from tests.oracle.workdays import is_working_day

PARTS = 5
# What takes longer than this does not end.
SECONDS = 600


def work(office: Office, today: date, day: date) -> None:
    """What the pipeline does until nothing is due: take, judge, answer, build, publish a day, show, put into folders."""
    settings = office.settings
    while True:
        office.ingest()
        with warehouse.connect(settings, "loader") as conn:
            units = warehouse.divisions.registered_units(conn)
            if not inbox.look(settings.inbox, units) and not warehouse.submissions.waiting_claims(conn):
                break
    with warehouse.connect(settings) as conn:
        is_new = warehouse.builds.latest_build(conn) is None
    dbt.build(settings, "install" if is_new else "live", full_refresh=is_new, today=today)
    with warehouse.connect(settings, "publisher") as conn:
        issue = _published(conn, day)
        if issue is not None:
            writing.keep_in_folder(conn, settings, issue.publication_id)
        build_id = warehouse.builds.latest_build(conn)
        render_site(conn, settings.outbox)
        warehouse.builds.record_page(conn, build_id)
        delivery.deliver_due(conn, settings, {})


def _published(conn, day: date):
    release = None
    while True:
        try:
            return publishing.publish(conn, DAILY, LARGE.code, day, release=release)
        except Held as held:  # a person looks at it, finds it right, and says so
            release = Release("督办员", "已核实", held.reasons)


@dataclass
class Story:
    """An office of a random district, and what may go wrong with it."""

    server: Server
    office: Office
    random: Random
    disk: Path | None
    today: date = date.min
    day: date = date.min
    #: How long the work took the last time: a fault comes at some time within it.
    span: float = 12.0

    def work(self, office: Office | None = None) -> None:
        """The work that is due."""
        work(office or self.office, self.today, self.day)

    def undisturbed(self) -> None:
        """The work that is due, in a process of its own, which must succeed."""
        process, began = forked(self.work), time.monotonic()
        process.join(SECONDS)
        assert process.exitcode == 0, process.exitcode
        self.span = time.monotonic() - began

    def nothing(self) -> str:
        """Nothing goes wrong."""
        self.undisturbed()
        return ""

    def killed(self) -> str:
        """Killed before a change."""
        number = self.random.randrange(1, 250)
        run = changing(self.work, self.office.settings.home, before=number)
        return f"before change {number} ({run.changes[-1]}): {run.exitcode}"

    def frozen(self) -> str:
        """Frozen before a change. Its guardian, or whoever wants its lock, does not wait for ever; it may go on, and harms nobody."""

        def run() -> None:
            guardian.start(os.getpid(), "any", 3600, "ingest_submissions", "judge_and_load", "run", "-1", "1")
            self.work()

        number = self.random.randrange(1, 250)
        frozen = changing(run, self.office.settings.home, before=number, number=signal.SIGSTOP)
        self.undisturbed()
        if is_alive := frozen.process.is_alive():
            os.kill(frozen.process.pid, signal.SIGCONT)
        code = _ended(frozen.process)
        return f"before change {number} ({frozen.changes[-1]}), {'went on' if is_alive else 'ended'}: {code}"

    def everything_killed(self) -> str:
        """The whole group of a run, at any time."""

        def run() -> None:
            os.setsid()
            self.work()

        process, seconds = forked(run), self.random.uniform(0.0, self.span)
        process.join(seconds)
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
        return f"after {seconds:.1f} s: {_ended(process)}"

    def server_ends(self) -> str:
        """PostgreSQL is ended without any order, at any time."""
        process, seconds = forked(self.work), self.random.uniform(0.0, self.span)
        process.join(seconds)
        number = self.random.choice([signal.SIGQUIT, signal.SIGKILL])
        stop_at_once(self.server, number)
        code = _ended(process)
        self.server.postgres.start()
        return f"{number.name} after {seconds:.1f} s: {code}"

    def network(self) -> str:
        """A connection is cut, or its answer is lost, or nothing comes through for a while."""
        kind, text = self.random.choice(["reset", "lost", "stalled"]), self.random.choice([b"", b"COMMIT", b"commit", b"copy "])
        fault = Fault(kind, text, self.random.randrange(1, 12 if text else 400))
        with between(self.office.settings.pg_port) as proxy:
            proxy.arm(fault)
            process = forked(lambda: self.work(Office(proxy.settings(self.office.settings))))
            while process.is_alive() and not proxy.happened.wait(0.2):
                pass
            if kind == "stalled":
                process.join(5.0)
                proxy.close()  # as keepalives would find it
            code = _ended(process)
        return f"{fault}: {code}"

    def disk_full(self) -> str:
        """The disk of all folders is full, of bytes or of names, from any time on."""
        if self.disk is None:
            return "not root: no disk to fill"
        process, seconds, inodes = (
            forked(self.work),
            self.random.choice([0.0, self.random.uniform(0.0, self.span)]),
            self.random.random() < 0.5,
        )
        process.join(seconds)
        with full(self.disk, inodes=inodes):
            code = _ended(process)
        return f"{'names' if inodes else 'bytes'}, after {seconds:.1f} s: {code}"

    def two_at_once(self) -> str:
        """Two runs of everything at the same time."""
        processes = [forked(self.work) for _ in range(2)]
        codes = [_ended(process) for process in processes]
        assert codes == [0, 0]
        return ""

    def clock_jumps(self) -> str:
        """The clock of the warehouse is wrong from now on, between taking files and judging them."""
        with warehouse.connect(self.office.settings, "loader") as conn:
            inbox.claim_files(conn, self.office.settings)
        days = self.random.choice([-3.0, -0.01, 0.01, 2.0])
        set_clock(self.server, self.office, days)
        return f"{days:+} days"


FAULTS: list[Callable[[Story], str]] = [
    Story.nothing,
    Story.killed,
    Story.frozen,
    Story.everything_killed,
    Story.server_ends,
    Story.network,
    Story.disk_full,
    Story.two_at_once,
    Story.clock_jumps,
]


def test_the_books_are_right_after_everything(own_server, tmp_path, monkeypatch, seed):
    random = Random(seed)
    start_on = date(2020, 4, random.randrange(1, 30))
    district = District(LARGE.code, random.randrange(3, 13), start_on, start_on + timedelta(days=random.randrange(40, 80)))
    print(f"SEED={seed}: {district}", flush=True)
    monkeypatch.setattr(publishing, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(logging, "raiseExceptions", False)  # a log on a full disk would say so for every line
    for where, name, seconds in (
        (warehouse.locks, "SILENT_SECONDS", 5.0),
        (warehouse.locks, "BEAT_SECONDS", 1.0),
        (guardian, "STUCK_SECONDS", 10.0),
        (guardian, "LOOK_SECONDS", 1.0),
    ):
        monkeypatch.setattr(where, name, seconds)
    home = tmp_path / "home"
    with small_disk(home) if os.geteuid() == 0 else nullcontext() as disk, open_office(own_server, home) as office:
        # for the guardian, a program of its own
        for name, value in (
            ("PYTHONPATH", str(Path(guardian.__file__).parents[2])),
            ("DUBAN_HOME", str(home)),
            ("DUBAN_HMAC_KEY", office.settings.hmac_key),
            ("AIRFLOW_CONN_WAREHOUSE", office.settings.warehouse_uri),
            ("AIRFLOW_CONN_WAREHOUSE_PUBLISHER", office.settings.uri("publisher")),
        ):
            monkeypatch.setenv(name, value)
        register(office, district)
        story, writer, files = Story(own_server, office, random, disk), Writer(seed, [district]), []
        days = [start_on + timedelta(days=number) for number in range((district.end_on - start_on).days + 1)]
        size = -(-len(days) // PARTS)
        for number in range(1, PARTS + 1):
            part = days[(number - 1) * size : number * size]
            sent = writer.part(part[0], part[-1])
            if number in (2, 4):
                sent += list(writer.money(district, part[-1]))
            files += sent
            story.today, story.day = part[-1], max(day for day in part if is_working_day(day))
            drop(office, sent)
            for fault in random.sample(FAULTS, random.choice([1, 1, 2])):
                began = time.monotonic()
                print(f"  part {number}/{PARTS}, {len(sent)} files, {fault.__name__} …", flush=True)
                said = fault(story)
                print(f"    {said} ({time.monotonic() - began:.0f} s)", flush=True)
            story.undisturbed()
            accounts.check(office, district, files, story.today)


def _ended(process: BaseProcess) -> int:
    process.join(SECONDS)
    assert process.exitcode is not None, "it does not end"
    return process.exitcode
