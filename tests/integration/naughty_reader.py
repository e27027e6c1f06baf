"""A reader for the sandbox that does what the file tells it to: it dies, hangs, eats memory, says nonsense, reaches out, or reads."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from duban.intake import reader, sandbox
from duban.intake.sandbox import Handler

NOTES: list[int] = []
LIBC = ctypes.CDLL(None, use_errno=True)
# Numbers of system calls on x86-64, and what its second numbering adds to them.
CALLS, SECOND_NUMBERING = range(512), 0x40000000
# What a parser needs: its pipes, memory, signals, clocks, locks, its own end. Said here again, so that nobody adds to it unseen.
NEEDED = {0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 28, 35, 39, 60, 96, 131, 186, 202, 219, 228, 230, 231, 318, 324, 334}
# What the kernel asks no filter about: it calls them itself, from a place it made, and nobody else can.
OF_THE_KERNEL = {335, 336}


def attempts(parent: int, secret: str, folder: str, port: int) -> dict[str, Callable[[], Any]]:
    """Ways out of the sandbox, by name; each returns something or raises what it was refused with."""
    own = os.path.join(folder, "mine")
    return {
        "read a secret": lambda: open(secret).read(),
        "read it without Python's library": lambda: raw(2, secret.encode(), 0),
        "read a file that everybody may": lambda: open(os.__file__).read(),
        "read its own program": lambda: open(__file__).read(),
        "the environment of the parent": lambda: open(f"/proc/{parent}/environ", "rb").read(),
        "the command line of the parent": lambda: open(f"/proc/{parent}/cmdline", "rb").read(),
        "the memory of the parent, as a file": lambda: open(f"/proc/{parent}/mem", "rb").read(1),
        "the memory of the parent, by call": lambda: raw(
            310, parent, ctypes.create_string_buffer(64), 1, ctypes.create_string_buffer(64), 1, 0
        ),
        "write into the memory of the parent": lambda: raw(
            311, parent, ctypes.create_string_buffer(64), 1, ctypes.create_string_buffer(64), 1, 0
        ),
        "a descriptor of the parent": lambda: raw(438, raw(434, parent, 0), 0, 0),
        "its own descriptors by name": lambda: os.listdir("/proc/self/fd"),
        "its own input by another name": lambda: os.open("/proc/self/fd/0", os.O_RDONLY),
        "where its output leads": lambda: os.readlink("/proc/self/fd/1"),
        "signals to the parent through a pipe": lambda: fcntl.fcntl(0, fcntl.F_SETOWN, parent),
        "list a folder": lambda: os.listdir(folder),
        "look at a file": lambda: os.stat(secret),
        "ask whether a file is there": lambda: raw(21, secret.encode(), 0),
        "write a file": lambda: open(own, "w"),
        "make a temporary file": lambda: tempfile.NamedTemporaryFile(dir=folder),
        "make a folder": lambda: os.mkdir(own),
        "make a link": lambda: os.link(secret, own),
        "make a symbolic link": lambda: os.symlink(secret, own),
        "rename a file": lambda: os.rename(secret, own),
        "delete a file": lambda: os.unlink(secret),
        "empty a file": lambda: os.truncate(secret, 0),
        "open a file to everybody": lambda: os.chmod(secret, 0o666),
        "give a file away": lambda: os.chown(secret, 1, 1),
        "date a file": lambda: os.utime(secret),
        "go to a folder": lambda: os.chdir(folder),
        "change the root": lambda: os.chroot(folder),
        "connect": lambda: reach(socket.AF_INET, ("127.0.0.1", port)),
        "connect to a socket in the file system": lambda: reach(socket.AF_UNIX, "/nowhere"),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)),
        "run a program": lambda: os.execv("/bin/true", ["true"]),
        "start a program": lambda: subprocess.run(["/bin/true"], check=True),
        "start itself again": os.fork,
        "kill the parent": lambda: os.kill(parent, signal.SIGKILL),
        "disturb the parent": lambda: raw(234, parent, parent, signal.SIGUSR1),
        "slow the parent down": lambda: os.setpriority(os.PRIO_PROCESS, parent, 19),
        "limit the parent": lambda: resource.prlimit(parent, resource.RLIMIT_NOFILE, (0, 0)),
        "raise its own limits": lambda: raw(160, resource.RLIMIT_CORE, struct.pack("=QQ", 1 << 30, 1 << 30)),
        "become somebody else": lambda: os.setuid(1),
        "name the machine": os.uname,
        "any call by its number that a parser does not need": every_other_call,
    }


def every_other_call() -> list[int]:
    """The numbers of calls that are not refused, besides those a parser needs; none of them could do anything with these arguments.

    Raises:
        PermissionError: all are refused.
    """
    others = [*(number for number in CALLS if number not in NEEDED | OF_THE_KERNEL), *(SECOND_NUMBERING + number for number in CALLS)]
    answered = [number for number in others if said(lambda number=number: raw(number, *[-1] * 6)) != "PermissionError"]
    if answered:
        return answered
    raise PermissionError


def raw(*call: Any) -> int:
    """A system call by its number."""
    ctypes.set_errno(0)
    answer = LIBC.syscall(*call)
    if answer == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def reach(family: int, address: Any) -> None:
    """Open a connection."""
    with socket.socket(family) as reached:
        reached.connect(address)


def said(attempt: Callable[[], Any]) -> str:
    """What came of an attempt."""
    try:
        return f"done: {str(attempt())[:60]}"
    except OSError as error:
        return type(error).__name__


class Deaf:
    """Standard input for one who reads nothing more."""

    def __init__(self):
        self.buffer = self

    def read(self, size: int) -> bytes:
        """Never come back."""
        time.sleep(60)
        return b""


def obey(content: bytes) -> dict[str, Any] | None:
    """Do what a word of command in the file says; None when there is none."""
    if b"DIE!" in content:
        os._exit(9)
    if b"HANG!" in content:
        time.sleep(60)
    if b"EAT!" in content:
        raise MemoryError
    if b"RAISE!" in content:
        raise RuntimeError
    if b"FLOOD!" in content:
        os.write(1, struct.pack("=QQ", sandbox.OUTPUT_BYTES + 1, 0))
    if b"BABBLE!" in content:
        nonsense = {b"words": b"no answer", b"depth": b"[" * 5_000, b"list": b"[]"}[content.partition(b"!")[2]]
        os.write(1, struct.pack("=QQ", len(nonsense), 0) + nonsense)
    if b"GREED!" in content:
        return {"had": len(bytearray(sandbox.MEMORY_BYTES))}
    if b"NOTE!" in content:
        NOTES.append(len(NOTES))
        return {"notes": NOTES}
    if b"KNOWN!" in content:
        descriptors = [number for number in range(1024) if said(lambda number=number: os.lseek(number, 0, os.SEEK_CUR)) != "OSError"]
        return {"env": sorted(os.environ), "path": [*os.environ.values()], "files": descriptors}
    return None


def prepare(*folders: str) -> Handler:
    """A handler that obeys, reaches out when asked, and else reads by the expectations in the folders; deaf if they are so named."""
    if folders == ("deaf",):
        sys.stdin, folders = Deaf(), ()
    read = reader.prepare(*folders) if folders else None

    def handle(job: dict[str, Any], content: bytes) -> dict[str, Any]:
        if "reach" in job:
            return {name: said(attempt) for name, attempt in attempts(**job["reach"]).items()}
        if (answer := obey(content)) is not None:
            return answer
        answer = read(job, content)
        if b"LIE!" in content:  # cells refer to texts that are not there
            answer["tables"][0]["texts"] = [[] for _ in answer["tables"][0]["texts"]]
        return answer

    return handle
