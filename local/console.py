"""What the operator sees: lines with elapsed time, a progress bar, and problems that need the operator."""

from __future__ import annotations

import contextlib
import csv
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence


class Problem(Exception):
    """Something only the operator can put right; its text says what and how. Shown without a traceback."""


@contextlib.contextmanager
def problems(*errors: type[Exception], about: str = "") -> Iterator[None]:
    """Errors that say what was asked wrongly become problems of the operator; `about` says of what, a file say."""
    try:
        yield
    except errors as error:
        raise Problem(f"{about}: {error}" if about else str(error)) from None


@contextlib.contextmanager
def csv_lines(path: str) -> Iterator[csv.DictReader]:
    """The lines of a CSV file that the operator named; that it cannot be read or used, is their problem."""
    with problems(OSError, ValueError, about=path), open(path, encoding="utf-8-sig", newline="") as file:
        yield csv.DictReader(file)


class Console:
    """Prints progress to standard output, each line with the seconds since the command began."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._live = sys.stdout.isatty()
        self._open_line = ""

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """One line of progress."""
        self.close()
        print(f"[{self.elapsed:5.1f} s] {text}", flush=True)

    def show(self, text: str = "") -> None:
        """Text without a time: results, not progress."""
        self.close()
        print(text, flush=True)

    def progress(self, text: str) -> None:
        """A line that replaces itself on a terminal; elsewhere printed only when it changed."""
        if text == self._open_line:
            return
        if self._live:
            print("\r\x1b[2K" + f"[{self.elapsed:5.1f} s] {text}", end="", flush=True)
        else:
            print(f"[{self.elapsed:5.1f} s] {text}", flush=True)
        self._open_line = text

    def close(self) -> None:
        """End a line that is still open, before something else writes to the terminal."""
        if self._open_line and self._live:
            print(flush=True)
        self._open_line = ""


def bar(done: int, total: int, width: int = 24) -> str:
    """A progress bar of `width` cells; full when there is nothing to do."""
    filled = width if total == 0 else width * done // total
    return "█" * filled + "░" * (width - filled)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns aligned on a terminal, where a Chinese character takes two cells; numbers to the right."""
    body = [["" if cell is None else str(cell) for cell in row] for row in rows]
    numeric = [all(_is_number(row[column]) for row in body) for column in range(len(header))]
    widths = [max(_cells(line[column]) for line in [list(header), *body]) for column in range(len(header))]
    lines = []
    for line in [list(header), *body]:
        cells = []
        for text, width, right in zip(line, widths, numeric, strict=True):
            padding = " " * (width - _cells(text))
            cells.append(padding + text if right else text + padding)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _is_number(text: str) -> bool:
    return text in ("", "—") or text.replace(".", "", 1).replace("-", "", 1).replace(",", "").rstrip("%").isdigit()
