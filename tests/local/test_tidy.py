"""What is old is cleared away, and nothing else."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace

import pytest

from local.commands.tidy import LEAST_DAYS, remove_old_files, run
from local.console import Problem
from local.embedded import processes


def test_old_logs_go_and_new_ones_stay(tmp_path):
    now = time.time()
    for name, age in {"dag_id=a/run_id=1/task/1.log": 90, "dag_id=a/run_id=2/task/1.log": 1, "dag_id=b/run_id=1/task/1.log": 90}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"0123456789")
        os.utime(path, (now - age * 86400,) * 2)
    (tmp_path / "dag_id=a" / "run_id=3").mkdir()  # of a task that begins
    (tmp_path / "latest").symlink_to(tmp_path / "dag_id=b")
    assert remove_old_files(tmp_path, now - 60 * 86400) == (2, 20)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_symlink())
    assert left == ["dag_id=a", "dag_id=a/run_id=2", "dag_id=a/run_id=2/task", "dag_id=a/run_id=2/task/1.log", "dag_id=a/run_id=3"]


def test_what_waits_for_a_person_is_never_cleared():
    with pytest.raises(Problem, match="ten days"):
        run(None, None, SimpleNamespace(days=LEAST_DAYS - 1))


def test_a_log_that_has_grown_is_put_aside_while_its_process_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LOG_LIMIT_BYTES", 10)
    log = tmp_path / "scheduler.log"
    with log.open("ab", buffering=0) as output:
        output.write(b"0123456789")
        processes.rotate(log)
        assert log.read_bytes() == b"0123456789"
        output.write(b"x")
        processes.rotate(log)
        output.write(b"new")
    assert log.read_bytes() == b"new" and (tmp_path / "scheduler.log.1").read_bytes() == b"0123456789x"
