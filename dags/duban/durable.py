"""Files that are to outlive a power cut, many at once."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


def sync_filesystem(folder: Path) -> None:
    """Wait until all that was written to the folder's file system, and every name given there, lies on the disk.

    One wait for any number of files; with an fsync for each of a thousand receipts the disk is waited for a thousand times.

    Raises:
        OSError: the disk could not take it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if _libc.syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)
