"""Full disks: a small one of memory that is filled, where the tests may mount one; and writes that are refused as if it were."""

from __future__ import annotations

import builtins
import errno
import io
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def small_disk(place: Path, size: str = "64m", inodes: int = 20_000) -> Iterator[Path]:
    """A disk of so many bytes and names at a place. Only root can mount one: skips the test with the reason otherwise."""
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={inodes}", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        reason = f"no small disk can be mounted here ({mounted.stderr.strip() or 'not root'}): disks are not filled"
        print(reason, flush=True)
        pytest.skip(reason)
    try:
        yield place
    finally:
        # lazily: what a killed process had open must not hold it
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def full(place: Path, *, inodes: bool = False) -> Iterator[None]:
    """Fill the small disk at a place to the last byte, or to the last name; free it afterwards."""
    ballast = place / ".ballast"
    ballast.mkdir()
    try:
        number = 0
        try:
            while True:
                number += 1
                with open(ballast / str(number), "wb", buffering=0) as file:
                    while not inodes and file.write(b"\0" * 4096):
                        pass
        except OSError as error:
            assert error.errno == errno.ENOSPC
        yield
    finally:
        for path in ballast.iterdir():
            path.unlink()
        ballast.rmdir()


@contextmanager
def refusing(place: Path, after: int = 10) -> Iterator[None]:
    """Let every file that is written below a place take a few bytes and then say that the disk is full."""

    class Full(io.FileIO):
        def write(self, content: Any) -> int:
            content = memoryview(content).cast("B")
            room = after - self.tell()
            if room <= 0 and len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(content[:room])

    opened = builtins.open

    def limited(
        file: Any, mode: str = "r", buffering: int = -1, *args: Any, opener: Any = None, closefd: bool = True, **kwargs: Any
    ) -> Any:
        path = os.path.realpath(f"/proc/self/fd/{file}" if isinstance(file, int) else os.path.abspath(file))
        if not set(mode) & set("wxa") or not path.startswith(f"{place}/"):
            return opened(file, mode, buffering, *args, opener=opener, closefd=closefd, **kwargs)
        raw = Full(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        binary = io.BufferedWriter(raw, 1)
        return binary if "b" in mode else io.TextIOWrapper(binary, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builtins, "open", limited)
        patch.setattr(io, "open", limited)
        yield
