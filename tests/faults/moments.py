"""Ending or freezing a process at a chosen moment: at a call of a named function, or before the nth change that it makes.

Changes are counted where all of them pass: files by Python's audit events, the warehouse by psycopg. What is written in a new place is
therefore among the moments without being listed anywhere.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psycopg

#: (where the function lies, its name, which call of it, stopped before or after that call)
Point = tuple[object, str, int, str]

_FILE_CHANGES = frozenset(f"os.{name}" for name in ("rename", "remove", "link", "symlink", "mkdir", "rmdir", "chmod", "utime", "truncate"))
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# Locks and questions change nothing: before them is the same moment as after the change that went before.
_QUESTION = re.compile(r"\s*$|\s*(?:select|show|with\b(?!.*\b(?:insert|update|delete)\b))(?!.*\bpersonal\.keep_)", re.I | re.S)
_SECONDS = 120


@dataclass
class Run:
    """A process that did some work, and the changes that it was about to make, each as `module.function event`."""

    process: BaseProcess
    changes: list[str] = field(default_factory=list)

    @property
    def exitcode(self) -> int | None:
        """As of `multiprocessing`: the number of the signal that ended it, negative; None while it lives."""
        return self.process.exitcode

    def end(self) -> None:
        """Kill it, also when it is frozen."""
        self.process.kill()
        self.process.join(_SECONDS)


def stop_at(point: Point, number: signal.Signals = signal.SIGKILL) -> None:
    """Let this process get a signal at the nth call of a function."""
    where, name, nth, when = point
    function, calls = getattr(where, name), []

    @functools.wraps(function)
    def stopping(*args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        if when == "before" and len(calls) == nth:
            os.kill(os.getpid(), number)
        result = function(*args, **kwargs)
        if when == "after" and len(calls) == nth:
            os.kill(os.getpid(), number)
        return result

    setattr(where, name, stopping)


def killed(work: Callable[[], Any], point: Point) -> int | None:
    """Do work in a process that is killed at the point; returns its exit code."""

    def run() -> None:
        stop_at(point)
        work()

    process = forked(run)
    process.join(_SECONDS)
    return process.exitcode


def changing(work: Callable[[], Any], home: Path, before: int | None = None, number: signal.Signals = signal.SIGKILL) -> Run:
    """Do work in a process of its own and note its changes, until it ends or is frozen.

    Args:
        work: What is done.
        home: Only files below it count.
        before: The change, counted from 1, before which the process gets a signal; None: it gets none.
        number: The signal: to kill it, or to freeze it. Whoever freezes it, ends it.
    """
    reading, writing = os.pipe()

    def run() -> None:
        os.close(reading)
        count = 0

        def note(event: str) -> None:
            nonlocal count
            count += 1
            os.write(writing, f"{_place()} {event}\n".encode())
            if count == before:
                os.kill(os.getpid(), number)

        _observe(home, note)
        work()

    result = Run(forked(run))
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        for change in pipe:
            result.changes.append(change.strip())
            if number == signal.SIGSTOP and len(result.changes) == before:
                return result
    result.process.join(_SECONDS)
    return result


def forked(run: Callable[[], Any]) -> BaseProcess:
    """Do something in a process of its own, which knows all that this one knows now."""
    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    return process


def _observe(home: Path, note: Callable[[str], None]) -> None:
    """Call `note` before every change of a file below a folder and of the warehouse, from now to the end of this process."""

    def hook(event: str, args: tuple) -> None:
        if event == "open" and isinstance(args[0], str) and _is_below(args[0], home):
            if args[2] & _WRITES:
                note("open")
            elif _place() == "duban.durable.sync_filesystem":
                note("sync")
        elif event in _FILE_CHANGES and _is_below(os.fsdecode(args[0]) if not isinstance(args[0], int) else "", home):
            note(event)

    def noted(where: type, name: str, event: str) -> None:
        function = getattr(where, name)

        @functools.wraps(function)
        def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
            is_question = event == "statement" and isinstance(args[0], str) and _QUESTION.match(args[0])
            if not is_question:
                note(event)
            return function(self, *args, **kwargs)

        setattr(where, name, noting)

    noted(psycopg.Cursor, "execute", "statement")
    noted(psycopg.Cursor, "executemany", "statement")
    noted(psycopg.Cursor, "copy", "copy")
    noted(psycopg.Transaction, "__exit__", "commit")
    sys.addaudithook(hook)


def _is_below(path: str, home: Path) -> bool:
    # a name without a folder is given with the descriptor of its folder
    return not os.path.isabs(path) or path.startswith(f"{home}/")


def _place() -> str:
    """The innermost function of the package that is at work."""
    frame = sys._getframe()
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("duban."):
            return f"{name}.{frame.f_code.co_qualname.replace('<locals>.', '')}"
        frame = frame.f_back
    return "tests"
