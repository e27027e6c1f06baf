"""Whose outbox it is: every warehouse numbers submissions and issues from 1, and two of them in one outbox would overwrite each other."""

from __future__ import annotations

import os
from contextlib import suppress

import psycopg

from duban.settings import Settings

#: Holds the identity of the warehouse (`ops.identity`) that writes beside it.
MARK = ".duban-warehouse"


class OutboxTaken(OSError):
    """Another warehouse writes there; nothing of ours was written."""


def claim_outbox(conn: psycopg.Connection, settings: Settings) -> None:
    """Make sure that nobody but this warehouse writes to the outbox: who comes first marks it. Called before anything is written there.

    Raises:
        OutboxTaken: it bears the mark of another warehouse.
        OSError: the outbox cannot be read or written.
    """
    mine = str(conn.execute("select warehouse_id from ops.identity").fetchone()[0])
    path = settings.outbox / MARK
    theirs = _read(path)
    if not theirs:
        settings.outbox.mkdir(parents=True, exist_ok=True)
        # whole or not at all: half a mark, on a full disk, would be another's
        draft = path.with_name(f"{MARK}.draft")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644), "w", encoding="ascii") as mark:
            mark.write(f"{mine}\n")
            mark.flush()
            os.fsync(mark.fileno())
        with suppress(FileNotFoundError):  # another task of this warehouse has just done it
            os.replace(draft, path)
        theirs = _read(path)
    if theirs != mine:
        raise OutboxTaken(
            f"The outbox {settings.outbox} belongs to another warehouse, which numbers its files and issues from 1 as this one does. "
            f"Give this one an outbox of its own (DUBAN_OUTBOX). If the other one is gone for good, move away what it left, {MARK} too."
        )


def _read(path: os.PathLike[str]) -> str:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="ascii", errors="replace") as mark:
            return mark.read().strip()
    except FileNotFoundError:
        return ""
