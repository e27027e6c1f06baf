"""Advisory locks: they make the work safe to run twice.

Whoever claims, loads or builds holds a lock on the very connection it commits with. A task that was given up but still runs either holds
the lock (its successor waits) or has lost its connection (and can commit nothing).

Nobody holds one for ever: who holds a lock says every few seconds that it lives, and the server ends a session that says nothing for
`SILENT_SECONDS`: that of a process that was stopped, or of a machine that is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg.pq import TransactionStatus

from duban.statements import statement

# Of migrations and rights: whoever keeps what they need is told of, not waited for without end.
LOCK_TIMEOUT = "lock_timeout = '30s'"
# Keys of the advisory locks; any numbers will do, they must only differ.
MIGRATE, CLAIM, JUDGE, LOAD, BUILD, RETURNS, DELIVERIES, ISSUES = range(820_001, 820_009)
FREEZE, WATCH, JUDGE_APART, RETURNS_APART = range(820_009, 820_013)
_LOCK_NAMES = {
    MIGRATE: "preparing the warehouse",
    CLAIM: "taking files",
    JUDGE: "judging",
    JUDGE_APART: "judging a large file",
    LOAD: "loading",
    BUILD: "building the marts",
    RETURNS: "writing returns",
    RETURNS_APART: "writing the return of a large file",
    DELIVERIES: "sending",
    ISSUES: "writing issues",
}
#: Who holds a lock and says nothing for so long is taken for gone; it says something every `BEAT_SECONDS`.
SILENT_SECONDS, BEAT_SECONDS = 60.0, 15.0


@contextmanager
def held(
    conn: psycopg.Connection, key: int, on_loss: Callable[[], None] = lambda: None, longest_transaction: str | None = None
) -> Iterator[None]:
    """Hold a session lock. Waits for whoever holds it; freed with the connection at the latest.

    `on_loss` is called, in another thread, when the session has ended under its holder: the lock may be another's by then.
    """
    conn.execute("select pg_advisory_lock(%s)", (key,))
    try:
        with beating(conn, on_loss, longest_transaction):
            yield
    finally:
        if not conn.closed:
            conn.execute("select pg_advisory_unlock(%s)", (key,))


@contextmanager
def beating(conn: psycopg.Connection, on_loss: Callable[[], None] = lambda: None, longest_transaction: str | None = None) -> Iterator[None]:
    """Let the server end this session when its process says nothing any more, and say something meanwhile, also between statements."""
    is_over = threading.Event()

    def beat() -> None:
        while not is_over.wait(BEAT_SECONDS):
            # in a COPY, or after an error in a transaction, the holder itself is about to speak
            if conn.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.INTRANS):
                continue
            try:
                conn.execute("")  # no query: it takes no snapshot
            except psycopg.Error:
                if conn.closed and not is_over.is_set():
                    on_loss()
                    return

    bounds = dict.fromkeys(("idle_session_timeout", "idle_in_transaction_session_timeout"), f"{SILENT_SECONDS * 1000:.0f}ms")
    if longest_transaction and conn.info.server_version >= 170000:
        bounds["transaction_timeout"] = longest_transaction
    before = {name: conn.execute("select current_setting(%s)", (name,)).fetchone()[0] for name in bounds}
    _set(conn, bounds)
    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        if not conn.closed and conn.info.transaction_status != TransactionStatus.INERROR:
            _set(conn, before)


def _set(conn: psycopg.Connection, options: Mapping[str, str]) -> None:
    for name, value in options.items():
        conn.execute("select set_config(%s, %s, false)", (name, value))


def silent_holders(conn: psycopg.Connection) -> list[tuple[str, int, float]]:
    """Who holds a lock and has said nothing for three beats: what is locked, the session, seconds. The server ends it soon."""
    rows = conn.execute(statement(__file__, "locks_silent"), (3 * BEAT_SECONDS,)).fetchall()
    return [(_LOCK_NAMES.get(key, str(key)), pid, seconds) for key, pid, seconds in rows]


# Whether somebody holds one of these locks.
IS_HELD = """exists (
    select from pg_locks join pg_database on pg_database.oid = database
    where datname = current_database() and locktype = 'advisory' and granted
        and (classid, objsubid) = (0, 1) and objid::bigint = any(%(locks)s::bigint[])
)"""
