"""Background processes: a recycled pid is never signalled, and nothing of a session is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from local.embedded.processes import Processes, Record, start_mark

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
# Ignores a polite request and has a child in its session.
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print(child.pid, flush=True); time.sleep(60)",
]


@pytest.fixture
def processes(tmp_path):
    made = Processes(tmp_path, tmp_path)
    yield made
    for name in ("one", "stubborn"):
        made.stop(name, 0)


def test_a_started_process_is_running_until_it_is_stopped(processes):
    record = processes.start("one", SLEEPER, os.environ, "mark")
    assert processes.running("one") == record
    assert processes.stop("one", 5)
    assert processes.running("one") is None
    assert start_mark(record.pid) is None
    assert not processes.stop("one", 5)


def test_a_recycled_pid_is_not_running_and_not_signalled(processes, tmp_path):
    stranger = subprocess.Popen(SLEEPER, start_new_session=True)
    try:
        record = Record(stranger.pid, "an earlier start", "mark")
        (tmp_path / "one.pid").write_text(json.dumps(asdict(record)), encoding="utf-8")
        assert processes.running("one") is None
        assert not processes.stop("one", 1)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_whole_session_ends_even_if_its_leader_refuses(processes):
    processes.start("stubborn", STUBBORN, os.environ, "mark")
    child = _printed_pid(processes)
    assert start_mark(child) is not None
    assert processes.stop("stubborn", 0.2)
    assert start_mark(child) is None


def test_what_a_killed_leader_left_is_found(processes):
    record = processes.start("stubborn", STUBBORN, os.environ, "mark")
    child = _printed_pid(processes)
    os.kill(record.pid, signal.SIGKILL)
    while start_mark(record.pid) == record.started:
        time.sleep(0.02)
    assert processes.running("stubborn") is None
    assert processes.stop("stubborn", 1)
    assert start_mark(child) is None


def test_a_damaged_record_counts_as_none(processes, tmp_path):
    (tmp_path / "one.pid").write_text('{"pid": 1', encoding="utf-8")
    assert processes.record_of("one") is None
    assert not processes.stop("one", 0)


def test_a_start_mark_tells_two_starts_apart():
    mark = start_mark(os.getpid())
    assert mark == start_mark(os.getpid())
    other = subprocess.Popen(SLEEPER)
    try:
        assert start_mark(other.pid) != mark
        assert replace(Record(other.pid, "x", ""), started=start_mark(other.pid)).started == start_mark(other.pid)
    finally:
        other.kill()
        other.wait()
    assert start_mark(other.pid) is None


def _printed_pid(processes) -> int:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        text = processes.log_of("stubborn").read_text(encoding="utf-8").strip()
        if text:
            return int(text)
        time.sleep(0.02)
    raise AssertionError("the child never started")
