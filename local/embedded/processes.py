"""Background processes: each in a session of its own, with a record of its pid *and* its start, so that no stranger is ever signalled."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

LOG_LIMIT_BYTES = 20_000_000


@dataclass(frozen=True)
class Record:
    """A process we started."""

    pid: int
    # When it started, as the kernel counts it: a recycled pid has another.
    started: str
    # What it was started with; differs when a setting changed since.
    fingerprint: str


def start_mark(pid: int) -> str | None:
    """When the process `pid` started, in a form that no later process of the same pid shares; None if it does not run."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        try:
            # Ticks since boot: other than a time of day, it does not move when the clock is set.
            ticks = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
            return f"{boot}:{ticks}"
        except FileNotFoundError:
            return str(process.create_time())
    except psutil.NoSuchProcess:
        return None


def fingerprint(argv: Sequence[str], environment: Mapping[str, str], *more: str) -> str:
    """A digest of all that a process is started with."""
    return hashlib.sha256(json.dumps([list(argv), sorted(environment.items()), more]).encode()).hexdigest()


class Processes:
    """The processes recorded in a folder, by name."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder
        self._logs = logs

    def log_of(self, name: str) -> Path:
        """Where a process writes what it says."""
        return self._logs / f"{name}.log"

    def record_of(self, name: str) -> Record | None:
        """The record of a process, running or not; None if there is none or it is damaged."""
        try:
            return Record(**json.loads((self._folder / f"{name}.pid").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def running(self, name: str) -> Record | None:
        """The record of a process if that very process still runs."""
        record = self.record_of(name)
        return record if record and start_mark(record.pid) == record.started else None

    def start(self, name: str, argv: Sequence[str], environment: Mapping[str, str], mark: str) -> Record:
        """Start a process in the background, detached from this terminal, and record it under its fingerprint `mark`."""
        log = self.log_of(name)
        rotate(log)
        with log.open("ab") as output:
            child = subprocess.Popen(
                argv,
                env=dict(environment),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = Record(child.pid, start_mark(child.pid) or "", mark)
        draft = self._folder / f".{name}.pid"
        draft.write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
        draft.replace(self._folder / f"{name}.pid")
        return record

    def stop(self, name: str, patience: float) -> bool:
        """End a process and all that is left of its session; gently first, by force after `patience` seconds.

        Returns:
            Whether there was anything to stop.
        """
        record = self.record_of(name)
        if record is None:
            return False
        was_running = self.running(name) is not None
        ended = True
        if was_running:
            _signal({record.pid: record.started}, signal.SIGTERM)
            ended = _wait(lambda: start_mark(record.pid) != record.started, patience)
        left = self._left_of(record)
        if ended:
            _signal(left, signal.SIGTERM)
            _wait(lambda: not _alive(left), 3.0)
        _signal(left, signal.SIGKILL)
        _wait(lambda: not _alive(left), 10.0)
        (self._folder / f"{name}.pid").unlink(missing_ok=True)
        return was_running or bool(left)

    def _left_of(self, record: Record) -> dict[int, str]:
        """Members of the session that `record` began, with their start marks.

        The kernel does not give a pid away while a session of that number has members. So if the pid belongs to another
        process by now, nothing of the session is left.
        """
        now = start_mark(record.pid)
        if now is not None and now != record.started:
            return {}
        left = {}
        for pid in psutil.pids():
            try:
                is_member = os.getsid(pid) == record.pid
            except (ProcessLookupError, PermissionError):
                continue
            mark = start_mark(pid) if is_member else None
            if mark is not None:
                left[pid] = mark
        return left


def rotate(log: Path) -> None:
    """Put aside what a log holds that has grown large; one former log is kept.

    The log itself stays: a process that runs appends to it. A line that it writes at this very moment may be lost.
    """
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        draft = log.with_suffix(".log.draft")
        shutil.copyfile(log, draft)
        os.truncate(log, 0)
        draft.replace(log.with_suffix(".log.1"))


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, indented for quoting."""
    if not log.exists():
        return "  (no log)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        text = file.read().decode("utf-8", errors="replace")
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])


def _alive(marks: Mapping[int, str]) -> dict[int, str]:
    return {pid: mark for pid, mark in marks.items() if start_mark(pid) == mark}


def _signal(marks: Mapping[int, str], number: signal.Signals) -> None:
    for pid in _alive(marks):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait(is_done, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
