"""What a job costs: the sandbox, watched from outside. Seconds by the clock, memory as the kernel's high-water mark of the child."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from duban.intake.sandbox import ChildFailed, Job, Sandbox
from duban.quality import judging, returns


@dataclass
class Cost:
    """What was measured while the block ran."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    megabytes: float = 0.0


@contextmanager
def watched(module: str, pause: float = 0.02) -> Iterator[Cost]:
    """Measures the children of this process that run `module`: the largest high-water mark any of them reaches within the block.

    A child that dies takes its mark with it, so it is looked at all the time, and not at the end only.
    """
    for child in _children(module):
        with suppress(OSError):
            Path(f"/proc/{child}/clear_refs").write_text("5")  # the mark starts anew from what the child holds now
    before = {child: _cpu_seconds(child) for child in _children(module)}
    cost, done, used = Cost(), threading.Event(), {}

    def look() -> None:
        while True:
            ended = done.is_set()
            for child in _children(module):
                cost.megabytes = max(cost.megabytes, _high_water(child))
                used[child] = _cpu_seconds(child)
            if ended:
                return
            done.wait(pause)

    watcher = threading.Thread(target=look)
    watcher.start()
    started = time.monotonic()
    try:
        yield cost
    finally:
        cost.seconds = time.monotonic() - started
        done.set()
        watcher.join()
        cost.cpu_seconds = sum(max(0.0, seconds - before.get(child, 0.0)) for child, seconds in used.items())


def _children(module: str) -> list[int]:
    """Processes whose parent is this one, by their command."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError):
                parent = Path(f"/proc/{entry}/stat").read_text(errors="replace").rpartition(")")[2].split()[1]
                if int(parent) == os.getpid() and module.encode() in Path(f"/proc/{entry}/cmdline").read_bytes():
                    found.append(int(entry))
    return found


def _high_water(child: int) -> float:
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{child}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _cpu_seconds(child: int) -> float:
    with suppress(OSError, ValueError):
        user, system = Path(f"/proc/{child}/stat").read_text(errors="replace").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return 0.0


@contextmanager
def watched_ingest() -> Iterator[dict[str, dict[str, Cost]]]:
    """Within the block every job of the pipeline's sandboxes is measured: by kind (`reading`, `slip`), then by the file it reads.

    The sandboxes are the real ones, with one child and one job at a time, so that what is measured is one file's.
    """
    costs: dict[str, dict[str, Cost]] = {"reading": {}, "slip": {}}

    def sandbox(kind: str) -> type[Sandbox]:
        class Watched(Sandbox):
            def __init__(self, module: str, known: Sequence[Path]):
                super().__init__(module, known, children=1)
                self.module = module

            def map(self, jobs: Iterable[Job]) -> Iterator[dict[str, Any] | ChildFailed]:
                for job in jobs:
                    with watched(self.module) as cost:
                        [answer] = super().map([job])
                    # what is tried again without the file is another job
                    costs[kind].setdefault(job.source.name if job.source else job.arguments["receipt"]["file_sha256"], cost)
                    yield answer

        return Watched

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "Sandbox", sandbox("reading"))
        patch.setattr(returns, "Sandbox", sandbox("slip"))
        yield costs
