"""A disk that takes nothing more and a clock that jumps: no file is blamed, nothing is out of order."""

from __future__ import annotations

import errno
import os
import signal

import psutil
import pytest

from duban import warehouse
from duban.intake import inbox
from duban.quality import judging
from tests.faults.clock import set_clock
from tests.faults.disks import refusing
from tests.faults.moments import forked
from tests.integration.ledgers import OTHER, TOWNSHIP, problem, problems_csv
from tests.integration.test_crash import assert_taken_once, drop_all


@pytest.mark.parametrize("folder", ["landing", "outbox"])
def test_the_disk_is_full(office, monkeypatch, folder):
    """However long it lasts: what cannot be written is no fault of what was read."""
    monkeypatch.setattr(inbox, "UNREADABLE_SECONDS", 0.0)
    drop_all(office)
    with refusing(getattr(office.settings, folder)):
        for _ in range(2):
            with pytest.raises((OSError, RuntimeError)) as failed:
                office.ingest()
            assert os.strerror(errno.ENOSPC) in str(failed.value)
    outcomes = [row["outcome"] for row in office.query("select outcome from ops.submissions")]
    assert len(outcomes) == (0 if folder == "landing" else 5)
    office.ingest()
    assert_taken_once(office)


def test_the_clock_jumps_between_claim_and_load(server, office):
    """A day ahead and back again: arrivals stay in the order of commits, so that no build and no issue misses one."""
    steps = [("甲", 0.0, 1.0), ("乙", 1.0, -3.0), ("丙", -3.0, 0.0)]
    for number, (name, claimed, loaded) in enumerate(steps):
        office.drop((TOWNSHIP, OTHER)[number % 2], f"{name}20200624.csv", problems_csv(problem(f"K-{number}")))
        set_clock(server, office, claimed)
        with warehouse.connect(office.settings, "loader") as conn:
            inbox.claim_files(conn, office.settings)
        set_clock(server, office, loaded)
        office.ingest()
        assert len(office.query("select 1 from ops.submissions where outcome = 'accepted'")) == number + 1
    rows = office.query(
        "select left(file_name, 1) as name, report_on::text, claimed_at > now() as is_ahead from ops.submissions order by received_at"
    )
    assert [row["name"] for row in rows] == [name for name, _, _ in steps]
    assert {row["report_on"] for row in rows} == {"2020-06-24"} and [row["is_ahead"] for row in rows] == [False, True, False]
    assert len(office.query("select 1 from raw.problem_versions")) == 3
    with warehouse.connect(office.settings) as conn:
        assert warehouse.builds.unbuilt_submissions(conn) == 3
    assert len(list(office.settings.outbox.rglob("receipt.json"))) == 3


def test_everything_is_killed(office, monkeypatch):
    """The whole group of a run: no child of it lives on, and nothing is lost."""
    drop_all(office)

    def run() -> None:
        os.setsid()
        monkeypatch.setattr(judging, "_settle", lambda *_: os.kill(os.getpid(), signal.SIGSTOP))
        office.ingest()

    process = forked(run)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children, "the nursery of the sandbox"
    os.killpg(process.pid, signal.SIGKILL)
    process.join(60)
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    office.ingest()
    assert_taken_once(office)
