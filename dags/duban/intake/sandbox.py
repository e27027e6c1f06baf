"""Hostile files are opened here and nowhere else: in child processes with limits on memory, time and output.

A child that dies, hangs or runs out of memory costs the one file it was working on: the parent kills it, says so in the outcome
of that file, and starts another. Children know no secrets: their environment is empty but for the import path. One line of JSON
goes in per job, one comes out.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SECONDS_PER_FILE = 60
MEMORY_BYTES = 1 << 30
OUTPUT_BYTES = 256 << 20
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class ChildFailed(Exception):
    """The child working on a job died, hung or ran out of memory: the rule broken (S01, S10), and what happened, in Chinese."""

    def __init__(self, rule_id: str, reason: str):
        super().__init__(reason)
        self.rule_id = rule_id


class Sandbox:
    """A few child processes that run jobs of one kind. Use as a context manager; not for more than one thread to call at once.

    Args:
        module: module run as the child, whose main is `serve(handler)`.
        children: how many children work side by side.
        seconds: wall time allowed per job.
    """

    def __init__(self, module: str, children: int = 2, seconds: float = SECONDS_PER_FILE):
        self._module, self._seconds = module, seconds
        self._idle: queue.SimpleQueue[_Child | None] = queue.SimpleQueue()
        for _ in range(children):
            self._idle.put(None)
        self._threads = ThreadPoolExecutor(children, thread_name_prefix="sandbox")

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        while not self._idle.empty():
            if child := self._idle.get():
                child.stop()

    def map(self, jobs: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any] | ChildFailed]:
        """Run the jobs; yields one answer per job in their order: what the handler returned, or why there is none."""
        return self._threads.map(self._run, jobs)

    def _run(self, job: dict[str, Any]) -> dict[str, Any] | ChildFailed:
        child = self._idle.get() or _Child(self._module)
        try:
            answer = child.ask(job, self._seconds)
        except ChildFailed as failure:
            child.stop()
            child, answer = None, failure
        except BaseException:
            child.stop()
            self._idle.put(None)
            raise
        self._idle.put(child)
        return answer


class _Child:
    def __init__(self, module: str):
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a parser's last words may hold a sender's text
            env={"PYTHONPATH": str(_PACKAGE_ROOT), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )

    def ask(self, job: dict[str, Any], seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        try:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._read_line(deadline, seconds)
        except BrokenPipeError:
            answer = b""
        if not answer.endswith(b"\n"):
            raise ChildFailed("S01", "读取这个文件时程序意外中止，文件可能已损坏或内容过大")
        answer = json.loads(answer)
        if "out_of_memory" in answer:
            raise ChildFailed("S10", "读取这个文件需要的内存过大，请删去多余的行列和格式后保存")
        return answer

    def _read_line(self, deadline: float, seconds: float) -> bytes:
        output, pipe = bytearray(), self._process.stdout.fileno()
        while not output.endswith(b"\n"):
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise ChildFailed("S10", f"{seconds:.0f} 秒内没有读完这个文件，内容可能过大或已损坏")
            chunk = os.read(pipe, 1 << 20)
            if not chunk:
                break
            output += chunk
            if len(output) > OUTPUT_BYTES:
                raise ChildFailed("S10", "文件内容过大，请分开报送")
        return bytes(output)

    def stop(self) -> None:
        """Kill the child and wait for it; pipes are closed."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def serve(handler: Any) -> None:
    """Main of a child: limit itself, then answer each line of standard input with `handler(job)`.

    An exception that is not the handler's own business ends the child: the parent then says so for this one file.
    """
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)  # a child that hangs must not outlive a parent that was killed
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin.buffer:
        try:
            answer = handler(json.loads(line))
        except MemoryError:
            answer = {"out_of_memory": True}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()
