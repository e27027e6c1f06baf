"""Hostile files are opened here and nowhere else: in child processes that get bytes, give bytes, and can reach nothing else.

Every file has a child of its own, which keeps nothing for the next: one that dies, hangs or runs out of memory costs that file, and the
parent says so in its outcome. Children are forked from a nursery: a process that has read what they must know (its imports, the
expectations), with an environment that is empty but for the import path, and that never gets a byte of any sender's file. Before it sees
its file a child gives up every system call but those of computing and of its two pipes (`_ALLOWED_CALLS`): it can open, list and write
no file, whatever its user may, reach no network, start no program, and touch no other process. The parent opens the file and sends its
bytes; what the child makes comes back as bytes.
"""

from __future__ import annotations

import codecs
import ctypes
import errno
import gc
import importlib
import itertools
import json
import os
import platform
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from duban.intake import limits

#: What a child does with a job: arguments and the bytes of a file → an answer for JSON, with bytes under `content` if it makes a file.
Handler = Callable[[dict[str, Any], bytes], dict[str, Any]]

SECONDS_PER_FILE = 60
SECONDS_TO_START = 60
MEMORY_BYTES = 1 << 30
OUTPUT_BYTES = 256 << 20
_BROKEN_OFF = "读取这个文件时程序意外中止，文件可能已损坏或内容过大"
_SIZES = struct.Struct("=QQ")
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]

_DIE_WITH_PARENT, _NO_NEW_PRIVILEGES, _SET_SECCOMP, _SECCOMP_FILTER = 1, 38, 22, 2  # options of prctl
# All that a parser needs, by number on x86-64 and on aarch64: its pipes, memory, clocks, the locks of Python, its own end. A call that is
# not here is refused, one that a later kernel invents too. No fcntl, kill or prctl: with each of them one process can disturb another.
_ALLOWED_CALLS = {
    **{"read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62)},
    **{"mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "mremap": (25, 216), "brk": (12, 214), "madvise": (28, 233)},
    **{"rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132)},
    **{"sched_yield": (24, 124), "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113)},
    **{"gettimeofday": (96, 169), "getpid": (39, 172), "gettid": (186, 178), "getrandom": (318, 278)},
    **{"futex": (202, 98), "restart_syscall": (219, 128), "membarrier": (324, 283), "rseq": (334, 293)},
    **{"exit": (60, 93), "exit_group": (231, 94)},
}
_AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Encodings of CSV files, old workbooks and XML are looked up by name when they are first met, which is too late for a child.
_ENCODINGS = (
    *("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"),
    *("ascii", "latin-1", "cp1252", "gb18030", "gbk", "gb2312", "big5", "cp437"),
)


class ChildFailed(Exception):
    """The child working on a job died, hung or ran out of memory: the rule broken (S01, S10), and what happened, in Chinese."""

    def __init__(self, rule_id: str, reason: str):
        super().__init__(reason)
        self.rule_id = rule_id


class Job(NamedTuple):
    """What a child is asked: JSON-ready arguments, the file whose bytes it is to look at, the wall time it may take for the answer."""

    arguments: dict[str, Any]
    source: Path | None = None
    seconds: float = SECONDS_PER_FILE


class Sandbox:
    """Child processes that run jobs of one kind, one each. Use as a context manager; not for more than one thread to call at once.

    Args:
        module: module whose `prepare` makes the handler of the children.
        known: what `prepare` is called with: names of files and folders that are read once in the life of this process.
        children: how many children work side by side.
    """

    def __init__(self, module: str, known: Sequence[Path] = (), children: int = 2):
        self._nursery = _nursery(os.getpid(), module, *map(str, known))
        self._threads = ThreadPoolExecutor(children, thread_name_prefix="sandbox")

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def map(self, jobs: Iterable[Job]) -> Iterator[dict[str, Any] | ChildFailed]:
        """Run the jobs; yields one answer per job in their order: what the handler returned, or why there is none."""
        return self._threads.map(self._run, jobs)

    def _run(self, job: Job) -> dict[str, Any] | ChildFailed:
        try:
            content = _content(job.source)
            with closing(_Child(self._nursery)) as child:
                return child.ask(job, content)
        except ChildFailed as failure:
            return failure


def _content(source: Path | None) -> bytes:
    """The bytes of a file, as many as any file may have."""
    if source is None:
        return b""
    try:
        size = source.stat().st_size
        if size > limits.MAX_BYTES:
            raise ChildFailed("S10", f"文件有 {size / 2**20:.0f} MB，超过 {limits.MAX_BYTES / 2**20:.0f} MB")
        return source.read_bytes()
    except OSError:
        raise ChildFailed("S01", _BROKEN_OFF) from None


class _Nursery:
    """A process of our own that forks children: it is told to start and to stop them by number, and ends when nobody is left to tell it.

    What it knows it never learned from a file, and its children are copies of it: nothing goes from one of them to another.
    """

    def __init__(self, command: Sequence[str]):
        self.module = command[0]
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.settimeout(SECONDS_TO_START)
        self._numbers, self._one_at_a_time = itertools.count(1), threading.Lock()
        with theirs:
            process = subprocess.Popen(
                # a warning looks for the line of its module
                [sys.executable, "-s", "-W", "ignore", "-c", "from duban.intake import sandbox; sandbox.nurse()", *command],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a parser's last words may hold a sender's text
                env={"PYTHONPATH": str(_PACKAGE_ROOT), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True,
            )
        weakref.finalize(self, _end, os.getpid(), process, self._orders)

    def start(self, reading: int, writing: int) -> int:
        """Ask for a child with these ends of pipes; returns its number. One that cannot be had leaves its pipes closed."""
        with self._one_at_a_time:
            number = next(self._numbers)
            with suppress(OSError):
                socket.send_fds(self._orders, [f"start {number}".encode()], [reading, writing])
            return number

    def stop(self, number: int) -> None:
        """Have a child killed, and wait until it is gone. Where its nursery is gone, it is gone too."""
        with self._one_at_a_time, suppress(OSError):
            self._orders.send(f"stop {number}".encode())
            self._orders.recv(1)


@lru_cache(maxsize=4)
def _nursery(owner: int, *command: str) -> _Nursery:
    """The nursery of a process for a module and what its children know: started once, as the expectations are read once."""
    return _Nursery(command)


def _end(owner: int, process: subprocess.Popen, orders: socket.socket) -> None:
    orders.close()
    if os.getpid() == owner:  # not a fork of it
        process.kill()
        process.wait()


class _Child:
    def __init__(self, nursery: _Nursery):
        self._nursery = nursery
        theirs, self._input = os.pipe()
        self._output, writing = os.pipe()
        self._number = nursery.start(theirs, writing)
        os.close(theirs)
        os.close(writing)
        # It may stop listening in the middle of a file: then the time of the job is over, and nobody waits any longer.
        os.set_blocking(self._input, False)

    def ask(self, job: Job, content: bytes) -> dict[str, Any]:
        self._wait_until_ready()
        deadline = time.monotonic() + job.seconds
        try:
            self._send(_message(job.arguments, content), deadline, job.seconds)
            answer = self._receive(deadline, job.seconds)
        except BrokenPipeError:
            raise ChildFailed("S01", _BROKEN_OFF) from None
        if "out_of_memory" in answer:
            raise ChildFailed("S10", "读取这个文件需要的内存过大，请删去多余的行列和格式后保存")
        return answer

    def _wait_until_ready(self) -> None:
        """Wait for the imports of the nursery, so that they are not counted against a file.

        Raises:
            RuntimeError: the child cannot work here at all; that is no file's fault.
        """
        try:
            greeting = self._receive(time.monotonic() + SECONDS_TO_START, SECONDS_TO_START)
        except ChildFailed:
            greeting = {}
        if "ready" not in greeting:
            module = self._nursery.module
            _nursery.cache_clear()  # the next one may be luckier
            raise RuntimeError(f"{module} does not start: {greeting.get('refused', 'see python -m ' + module)}")

    def _send(self, parts: Iterable[bytes], deadline: float, seconds: float) -> None:
        for part in parts:
            rest = memoryview(part)
            while rest:
                _wait([], [self._input], deadline, seconds)
                rest = rest[os.write(self._input, rest[: 1 << 20]) :]

    def _receive(self, deadline: float, seconds: float) -> dict[str, Any]:
        """The next message; a child that a file has taken over may say anything.

        Raises:
            ChildFailed: it ended, is late, or says too much, or what is no answer.
        """
        sizes = _SIZES.unpack(self._read(_SIZES.size, deadline, seconds))
        if sum(sizes) > OUTPUT_BYTES:
            raise ChildFailed("S10", "文件内容过大，请分开报送")
        document, content = (self._read(size, deadline, seconds) for size in sizes)
        try:
            answer = json.loads(document)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ChildFailed("S01", _BROKEN_OFF)
        return answer | {"content": bytes(content)} if content else answer

    def _read(self, size: int, deadline: float, seconds: float) -> bytearray:
        output = bytearray()
        while len(output) < size:
            _wait([self._output], [], deadline, seconds)
            chunk = os.read(self._output, min(size - len(output), 1 << 20))
            if not chunk:
                raise ChildFailed("S01", _BROKEN_OFF)
            output += chunk
        return output

    def close(self) -> None:
        """Kill the child and wait for it; pipes are closed."""
        self._nursery.stop(self._number)
        os.close(self._input)
        os.close(self._output)


def _wait(readable: list[int], writable: list[int], deadline: float, seconds: float) -> None:
    if not any(select.select(readable, writable, [], max(0.0, deadline - time.monotonic()))):
        raise ChildFailed("S10", f"{seconds:.0f} 秒内没有读完这个文件，内容可能过大或已损坏")


def _message(document: dict[str, Any], content: bytes = b"") -> tuple[bytes, bytes, bytes]:
    """A job or an answer as it goes through the pipe: two sizes, JSON, bytes."""
    text = _ENCODER.encode(document).encode("utf-8", "surrogatepass")
    return _SIZES.pack(len(text), len(content)), text, content


def nurse() -> None:
    """Main of a nursery: read what children must know, then follow the orders that come through standard input, until nobody is there.

    Arguments are a module and what its `prepare` is called with; nothing else may open a file.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    module, *known = sys.argv[1:]
    sys.modules["numpy"] = None  # which openpyxl would load, for nothing that a child does
    handler = prepared(importlib.import_module(module).prepare, known)
    with suppress(OSError):  # that a child cannot be restricted, it says itself
        _system_call_filter()
    gc.freeze()  # what was imported stays
    gc.disable()  # looking for garbage among a million new cells again and again takes as long as reading them
    nursery, processes, orders = os.getpid(), {}, socket.socket(fileno=os.dup(0))
    while True:
        order, pipes, _, _ = socket.recv_fds(orders, 64, 2)
        match order.decode().split():
            case ["start", number]:
                if not (process := os.fork()):
                    for place, pipe in enumerate(pipes):
                        os.dup2(pipe, place)
                    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
                    _serve(handler, nursery)
                    os._exit(0)
                processes[number] = process
            case ["stop", number]:
                os.kill(processes[number], signal.SIGKILL)
                os.waitpid(processes.pop(number), 0)
                orders.send(b".")
            case _:
                return
        for pipe in pipes:
            os.close(pipe)


def _serve(handler: Handler, nursery: int) -> None:
    """Life of a child: give up everything but its pipes, say that it is ready, then answer the one message of standard input.

    An exception that is not the handler's own business ends the child: the parent then says so for this one file.
    """
    try:
        _give_up_system_calls(nursery)
    except OSError as error:
        _say({"refused": str(error)})
        return
    _say({"ready": True})
    arguments, content = (sys.stdin.buffer.read(size) for size in _SIZES.unpack(sys.stdin.buffer.read(_SIZES.size)))
    try:
        answer = handler(json.loads(arguments), content)
    except MemoryError:
        answer = {"out_of_memory": True}
    _say(answer)


def prepared(prepare: Callable[..., Handler], known: Sequence[str]) -> Handler:
    """The handler of a child, with everything that it will need."""
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    return prepare(*known)


def _say(answer: dict[str, Any]) -> None:
    for part in _message({name: value for name, value in answer.items() if name != "content"}, answer.get("content", b"")):
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def _give_up_system_calls(nursery: int) -> None:
    """From here on this process has its pipes, its memory and a processor, and dies with its nursery.

    A seccomp filter, which needs no privilege and holds on every kernel since 3.17, in containers too.

    Raises:
        OSError: the machine cannot do this; nothing is read then.
    """
    prctl, program = _system_call_filter()
    prctl(_DIE_WITH_PARENT, signal.SIGKILL)  # a child that hangs must not outlive those who would stop it
    if os.getppid() != nursery:
        raise OSError(errno.ESRCH, "the nursery is gone")
    if prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or prctl(_SET_SECCOMP, _SECCOMP_FILTER, program, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"system calls cannot be restricted here: {os.strerror(number)}")


@lru_cache(maxsize=1)
def _system_call_filter() -> tuple[Callable[..., int], ctypes.Array]:
    """The function that restricts system calls, and what it is told: `_ALLOWED_CALLS` as a program of the kernel's.

    Raises:
        OSError: nobody has said yet which calls those are on this machine.
    """
    machine = platform.machine()
    if machine not in _AUDIT_ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"system calls cannot be restricted on a {machine}")
    numbers = [call[list(_AUDIT_ARCHITECTURES).index(machine)] for call in _ALLOWED_CALLS.values()]
    allow, deny = 0x7FFF0000, 0x00050000 | errno.EPERM
    load, jump_if_equal, answer = 0x20, 0x15, 0x06
    steps = [
        (load, 0, 0, 4),  # the architecture of the call
        (jump_if_equal, 1, 0, _AUDIT_ARCHITECTURES[machine]),
        (answer, 0, 0, deny),
        (load, 0, 0, 0),  # its number; those of the second numbering of x86-64 are none of these
        *((jump_if_equal, len(numbers) - place, 0, number) for place, number in enumerate(numbers)),
        (answer, 0, 0, deny),
        (answer, 0, 0, allow),
    ]
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)
    code = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("HL", len(steps), ctypes.addressof(code)))
    header.code = code  # it lives as long as what points at it
    return ctypes.CDLL(None, use_errno=True).prctl, header
