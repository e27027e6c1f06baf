"""Deliveries of issues, returns and messages: the table `ops.deliveries`.

A line is `sending` before a byte of it leaves, and nobody but a person makes a line that was `sending` wait again unless it is certain
that nothing arrived. Every statement that gives `now` takes null for the clock of the database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import class_row

from duban.statements import statement
from duban.text.storable import storable_text
from duban.warehouse import locks


@dataclass(frozen=True)
class Delivery:
    """A line of `ops.deliveries`: one thing that goes to one address by one channel."""

    delivery_id: int
    subject_kind: str
    subject_id: str
    district_code: str
    channel: str
    address: str
    message_id: str
    attempt_count: int


@contextmanager
def deliveries_lock(conn: psycopg.Connection) -> Iterator[bool]:
    """Only one process sends at a time; False: another one does. Waits for nobody: a mail server may keep that one waiting for long."""
    is_ours = conn.execute("select pg_try_advisory_lock(%s)", (locks.DELIVERIES,)).fetchone()[0]
    try:
        with locks.beating(conn) if is_ours else nullcontext():
            yield is_ours
    finally:
        if is_ours and not conn.closed:
            conn.execute("select pg_advisory_unlock(%s)", (locks.DELIVERIES,))


def enqueue_deliveries(conn: psycopg.Connection, subject_kind: str, subject_ids: Sequence[str]) -> None:
    """Write the deliveries of issues or returns. Call in the transaction that makes them: gives numbers, or outcomes."""
    conn.execute(statement(__file__, "deliveries_enqueue"), (subject_kind, list(subject_ids)))


def record_in_folder(conn: psycopg.Connection, subject_kind: str, subject_ids: Sequence[str]) -> None:
    """Record that issues, or receipts and slips, lie in the outbox."""
    with conn.transaction():
        conn.execute(
            """update ops.deliveries
               set status = 'sent', sent_at = clock_timestamp(), attempt_count = attempt_count + 1, last_error = null
               where subject_kind = %s and channel = 'folder' and status = 'waiting' and subject_id = any(%s)""",
            (subject_kind, list(subject_ids)),
        )


def postpone_folder(conn: psycopg.Connection, delivery: Delivery, reason: str, wait: timedelta, now: datetime | None = None) -> None:
    """Let a folder that could not be written wait; as an attempt."""
    with conn.transaction():
        conn.execute(statement(__file__, "deliveries_postpone"), (storable_text(reason), now, wait, delivery.delivery_id))


# What can go now: the folder of an issue; a watch report, which has no folder; all else when the folder holds the same thing. Folders of
# returns are written by `write_returns`.
_IS_DUE = """status = 'waiting' and next_attempt_at <= coalesce(%(now)s::timestamptz, clock_timestamp())
    and case when channel = 'folder' then subject_kind = 'issue' when subject_kind = 'watch' then true else exists (
        select from ops.deliveries folder
        where (folder.subject_kind, folder.subject_id, folder.channel, folder.address, folder.status)
            = (deliveries.subject_kind, deliveries.subject_id, 'folder', '', 'sent')
    ) end"""


def due_deliveries(conn: psycopg.Connection, *, to_folder: bool, now: datetime | None = None) -> list[Delivery]:
    """What can go now: to the folder of publications, or everywhere else; issues first, the oldest first."""
    with conn.cursor(row_factory=class_row(Delivery)) as cur:
        return cur.execute(
            f"""select delivery_id, subject_kind, subject_id, district_code, channel, address, message_id, attempt_count
                from ops.deliveries where (channel = 'folder') = %(to_folder)s and {_IS_DUE} order by subject_kind, delivery_id""",
            {"to_folder": to_folder, "now": now},
        ).fetchall()


def has_due_deliveries(conn: psycopg.Connection) -> bool:
    """Whether anything can go now, or was begun by a worker that must have come to an end; and nobody is sending."""
    return conn.execute(
        f"""select exists (select from ops.deliveries where {_IS_DUE} or status = 'sending' and next_attempt_at <= clock_timestamp())
               and not {locks.IS_HELD}""",
        {"now": None, "locks": [locks.DELIVERIES]},
    ).fetchone()[0]


def record_interrupted(conn: psycopg.Connection, reason: str) -> list[Delivery]:
    """What a worker had begun when it came to an end is uncertain from now on; returns it. Call under `deliveries_lock`."""
    with conn.cursor(row_factory=class_row(Delivery)) as cur, conn.transaction():
        return cur.execute(
            """update ops.deliveries set status = 'uncertain', last_error = %s where status = 'sending'
               returning delivery_id, subject_kind, subject_id, district_code, channel, address, message_id, attempt_count""",
            (reason,),
        ).fetchall()


def record_uncertain(conn: psycopg.Connection, since: datetime, reason: str) -> None:
    """What was to be sent at a time is uncertain from now on: a person decides about it. Folders are not: they are written again."""
    conn.execute(
        """update ops.deliveries set status = 'uncertain', last_error = %s
           where channel <> 'folder' and status in ('waiting', 'sending') and created_at <= %s""",
        (reason, since),
    )


def begin_delivery(conn: psycopg.Connection, delivery: Delivery, worker_ends_within: timedelta, now: datetime | None = None) -> str:
    """Record that a delivery begins, as an attempt; committed before anything leaves.

    Returns:
        The status it has now: `sending`; or `withdrawn`, when its address no longer gets such things, and nothing may be sent.
    """
    with conn.transaction():
        row = conn.execute(
            statement(__file__, "deliveries_begin"),
            {
                "id": delivery.delivery_id,
                "kind": delivery.subject_kind,
                "subject": delivery.subject_id,
                "channel": delivery.channel,
                "address": delivery.address,
                "within": worker_ends_within,
                "now": now,
            },
        ).fetchone()
    if row is None:
        raise RuntimeError(f"delivery {delivery.delivery_id} does not wait any more")
    return row[0]


def end_delivery(
    conn: psycopg.Connection, delivery: Delivery, status: str, *, reason: str | None, wait: timedelta, now: datetime | None = None
) -> None:
    """Record what came of an attempt; a delivery that waits again is tried after `wait`.

    Raises:
        RuntimeError: it is not being sent: somebody else has taken this for the end of its worker.
    """
    with conn.transaction():
        ended = conn.execute(
            """update ops.deliveries
               set status = %(status)s, last_error = %(reason)s,
                   next_attempt_at = coalesce(%(now)s::timestamptz, clock_timestamp()) + %(wait)s,
                   sent_at = case %(status)s when 'sent' then coalesce(%(now)s::timestamptz, clock_timestamp()) end
               where delivery_id = %(id)s and status = 'sending'""",
            {"id": delivery.delivery_id, "status": status, "reason": reason and storable_text(reason), "wait": wait, "now": now},
        )
    if ended.rowcount != 1:
        raise RuntimeError(f"delivery {delivery.delivery_id} is not being sent any more")


def postpone_deliveries(
    conn: psycopg.Connection, channel: str, address: str | None, reason: str, wait: timedelta, now: datetime | None = None
) -> int:
    """Let everything due that would go the same way wait, without an attempt; returns how many. No address: all of the channel."""
    with conn.transaction():
        return conn.execute(
            f"""update ops.deliveries
                set next_attempt_at = coalesce(%(now)s::timestamptz, clock_timestamp()) + %(wait)s, last_error = %(reason)s
                where channel = %(channel)s and (%(address)s::text is null or address = %(address)s) and {_IS_DUE}""",
            {"channel": channel, "address": address, "reason": storable_text(reason), "wait": wait, "now": now},
        ).rowcount


def decide_delivery(conn: psycopg.Connection, delivery_id: int, status: str, among: Collection[str], note: str) -> bool:
    """Record a person's decision about a delivery that has one of the statuses `among`; False when it has none of them."""
    with conn.transaction():
        return (
            conn.execute(
                statement(__file__, "deliveries_decide"),
                {"id": delivery_id, "status": status, "among": list(among), "note": storable_text(note)},
            ).rowcount
            == 1
        )
