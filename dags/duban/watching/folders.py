"""Whether folders answer. One on a share whose server is gone lets whoever asks it wait, often beyond any signal: a child asks."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from duban.settings import Settings

#: A disk under load may take seconds.
ANSWER_SECONDS = 20.0
# Says the names of those that do not answer, and is left alone: a thread that waits for a share may never end.
_ASK = """
import os, sys, threading
seconds, *asked = sys.argv[1:]
silent = dict.fromkeys(asked[::2])
def ask(name, place):
    try:
        with os.scandir(place) as entries:
            next(entries, None)
        os.statvfs(place)
    except OSError:
        pass  # an answer
    silent.pop(name)
threads = [threading.Thread(target=ask, args=pair, daemon=True) for pair in zip(asked[::2], asked[1::2])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(float(seconds) / len(threads))
print(*silent, "", sep="\\n", flush=True)
os._exit(0)
"""


def silent_folders(folders: Mapping[str, Path], seconds: float = ANSWER_SECONDS) -> list[str]:
    """The names of the folders that do not answer within so many seconds, in all. One that is not there, or is closed, answers."""
    arguments = [text for name, place in folders.items() for text in (name, str(place))]
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", _ASK, str(seconds), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    with child.stdout:
        # an empty line is the end: a child that cannot end does not close its side either
        names = list(iter(lambda: child.stdout.readline().rstrip("\n"), ""))
    child.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(1)
    return names


def folders_of(settings: Settings) -> dict[str, Path]:
    """The folders that Duban works in, by what they are called."""
    return {name: getattr(settings, name) for name in ("home", "inbox", "outbox", "landing")}
