"""Hostile files are opened here and nowhere else: in child processes with limits on memory, time and output, and without a network.

A child that dies, hangs or runs out of memory costs the one file it was working on: the parent kills it, says so in the outcome
of that file, and starts another. Children know no secrets: their environment is empty but for the import path; and they can open no
socket and start no program. One line of JSON goes in per job, one comes out.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import json
import os
import platform
import queue
import resource
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

SECONDS_PER_FILE = 60
SECONDS_TO_START = 60
MEMORY_BYTES = 1 << 30
OUTPUT_BYTES = 256 << 20
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]

_DIE_WITH_PARENT, _NO_NEW_PRIVILEGES, _SET_SECCOMP, _SECCOMP_FILTER = 1, 38, 22, 2  # options of prctl
# What a parser never needs: socket, ptrace, execve, execveat, io_uring_setup. Numbers by machine, after its audit architecture.
_FORBIDDEN_CALLS = {"x86_64": (0xC000003E, (41, 101, 59, 322, 425)), "aarch64": (0xC00000B7, (198, 117, 221, 281, 425))}


class ChildFailed(Exception):
    """The child working on a job died, hung or ran out of memory: the rule broken (S01, S10), and what happened, in Chinese."""

    def __init__(self, rule_id: str, reason: str):
        super().__init__(reason)
        self.rule_id = rule_id


class Job(NamedTuple):
    """What a child is asked, as JSON-ready arguments, and the wall time it may take for the answer."""

    arguments: dict[str, Any]
    seconds: float = SECONDS_PER_FILE


class Sandbox:
    """A few child processes that run jobs of one kind. Use as a context manager; not for more than one thread to call at once.

    Args:
        module: module run as the child, whose main is `serve(handler)`.
        children: how many children work side by side.
    """

    def __init__(self, module: str, children: int = 2):
        self._module = module
        self._idle: queue.SimpleQueue[_Child | None] = queue.SimpleQueue()
        for _ in range(children):
            self._idle.put(_Child(module))  # started before there is work: nobody waits for their imports one after the other
        self._threads = ThreadPoolExecutor(children, thread_name_prefix="sandbox")

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        while not self._idle.empty():
            if child := self._idle.get():
                child.stop()

    def map(self, jobs: Iterable[Job]) -> Iterator[dict[str, Any] | ChildFailed]:
        """Run the jobs; yields one answer per job in their order: what the handler returned, or why there is none."""
        return self._threads.map(self._run, jobs)

    def _run(self, job: Job) -> dict[str, Any] | ChildFailed:
        child = self._idle.get() or _Child(self._module)
        try:
            answer = child.ask(job)
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
        self._module, self._is_ready = module, False
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a parser's last words may hold a sender's text
            env={"PYTHONPATH": str(_PACKAGE_ROOT), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )

    def ask(self, job: Job) -> dict[str, Any]:
        self._wait_until_ready()
        deadline = time.monotonic() + job.seconds
        try:
            self._process.stdin.write(json.dumps(job.arguments).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._read_line(deadline, job.seconds)
        except BrokenPipeError:
            answer = b""
        if not answer.endswith(b"\n"):
            raise ChildFailed("S01", "读取这个文件时程序意外中止，文件可能已损坏或内容过大")
        answer = json.loads(answer)
        if "out_of_memory" in answer:
            raise ChildFailed("S10", "读取这个文件需要的内存过大，请删去多余的行列和格式后保存")
        return answer

    def _wait_until_ready(self) -> None:
        """Wait for the child's imports, so that they are not counted against the first file.

        Raises:
            RuntimeError: the child cannot work here at all; that is no file's fault.
        """
        if self._is_ready:
            return
        try:
            greeting = json.loads(self._read_line(time.monotonic() + SECONDS_TO_START, SECONDS_TO_START) or b"{}")
        except ChildFailed:
            greeting = {}
        if "ready" not in greeting:
            raise RuntimeError(f"{self._module} does not start: {greeting.get('refused', 'see python -m ' + self._module)}")
        self._is_ready = True

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
    """Main of a child: limit itself, say that it is ready, then answer each line of standard input with `handler(arguments)`.

    An exception that is not the handler's own business ends the child: the parent then says so for this one file.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        _restrict_system_calls()
    except OSError as error:
        _say({"refused": str(error)})
        return
    _say({"ready": True})
    gc.freeze()  # what was imported stays
    gc.disable()  # looking for garbage among a million new cells again and again takes as long as reading them
    for line in sys.stdin.buffer:
        try:
            answer = handler(json.loads(line))
        except MemoryError:
            answer = {"out_of_memory": True}
        _say(answer)
        del answer
        gc.collect()


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


def _restrict_system_calls() -> None:
    """From here on this process can reach no network and start no program, and dies with its parent.

    A seccomp filter, which needs no privilege and holds in containers too.

    Raises:
        OSError: the machine cannot do this; nothing is read then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL)  # a child that hangs must not outlive a parent that was killed
    architecture, calls = _FORBIDDEN_CALLS.get(platform.machine(), (0, ()))
    if not calls:
        raise OSError(errno.ENOSYS, f"system calls cannot be restricted on a {platform.machine()}")
    allow, deny = 0x7FFF0000, 0x00050000 | errno.EPERM
    load, jump_if_equal, jump_if_greater_or_equal, answer = 0x20, 0x15, 0x35, 0x06
    steps = [
        (load, 0, 0, 4),  # the architecture of the call
        (jump_if_equal, 1, 0, architecture),
        (answer, 0, 0, deny),
        (load, 0, 0, 0),  # its number
        (jump_if_greater_or_equal, len(calls) + 1, 0, 0x40000000),  # the second numbering of x86-64
        *((jump_if_equal, len(calls) - place, 0, number) for place, number in enumerate(calls)),
        (answer, 0, 0, allow),
        (answer, 0, 0, deny),
    ]
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HL", len(steps), ctypes.addressof(code))
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, header, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"system calls cannot be restricted here: {os.strerror(number)}")
