"""Sends what the outbox table `ops.deliveries` says, each line once: folder always, e-mail and group robots where they are configured.

A line is written in the transaction that makes the thing it is about. Before anything of it leaves it is `sending`, and that is committed.
Then it is known to have arrived (`sent`); or known not to have arrived: it waits and is tried again, later each time, or is given up
(`failed`); or nobody can know, because the connection or this process ended in between: it is `uncertain`, and only a person sends it
again (`resend`) or says that it did arrive (`settle`). No state leads by itself from a message that may have arrived to one that is sent.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import psycopg

from duban import warehouse
from duban.publishing import messages
from duban.publishing.messages import Message
from duban.settings import Settings
from duban.warehouse.deliveries import Delivery

log = logging.getLogger(__name__)
#: Tried again after 1, 2, 4 … minutes, then every hour: given up after about three days, so that a weekend is survived.
MAX_ATTEMPTS, LONGEST_WAIT = 72, timedelta(hours=1)
#: What cannot go because its channel is not configured is looked at again after this.
CONFIGURED_AGAIN = timedelta(minutes=10)
#: A run begins nothing after this: the next one goes on. An attempt takes far less than the rest of `WORKER_ENDS_WITHIN`.
RUN_SECONDS = 15 * 60
WORKER_ENDS_WITHIN = timedelta(minutes=30)
INTERRUPTED = "发送时程序中断，不知道对方是否已经收到"


class NotSent(Exception):
    """Certainly nothing arrived. The reason is stored and logged: it names no secret and no person.

    Args:
        reason: What happened, in Chinese.
        retryable: Whether the same message may be taken another time.
    """

    def __init__(self, reason: str, *, retryable: bool = True):
        super().__init__(reason)
        self.retryable = retryable


class Unreachable(NotSent):
    """Certainly nothing arrived, and nothing else would that goes the same way: all of it waits."""


class Uncertain(Exception):
    """The message was handed over, and whether it was taken nobody can tell. The reason names no secret and no person."""


def enqueue_issue(conn: psycopg.Connection, publication_id: str) -> None:
    """Write the deliveries of an issue. Call in the transaction that gives it its number."""
    warehouse.deliveries.enqueue_deliveries(conn, "issue", [publication_id])


class Channel(Protocol):
    """A way to an address."""

    def missing(self, address: str) -> str | None:
        """What is not configured for that address, in Chinese; None when all is."""

    def send(self, message: Message) -> None:
        """Hand a message over once; back when it was acknowledged.

        Raises:
            NotSent: it certainly did not arrive; `Unreachable` if that is not the message's fault.
            Uncertain: it may have arrived.
        """


WriteIssue = Callable[[psycopg.Connection, Settings, str], object]


@dataclass(frozen=True)
class DeliveryReport:
    """What a run did: how many lines were sent, wait to be tried again, and are no longer wanted; those a person must look at, and why."""

    sent: int = 0
    postponed: int = 0
    withdrawn: int = 0
    #: What is not configured, and how many lines wait for it.
    unconfigured: Mapping[str, int] = field(default_factory=dict)
    #: Lines given up in this run, and lines that became uncertain in it, with the reasons.
    failed: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{self.sent} sent", f"{self.postponed} to be tried again"]
        parts += [f"{self.withdrawn} withdrawn"] if self.withdrawn else []
        parts += [f"{count} waiting ({what})" for what, count in sorted(self.unconfigured.items())]
        parts += [f"{len(self.failed)} given up", f"{len(self.uncertain)} uncertain"]
        return ", ".join(parts)

    @property
    def for_a_person(self) -> tuple[str, ...]:
        """What a person must decide, one sentence per line."""
        return (*self.uncertain, *self.failed)


def write_issues(
    conn: psycopg.Connection, settings: Settings, *, now: datetime | None = None, write_issue: WriteIssue | None = None
) -> DeliveryReport:
    """Put every issue that is due into its folder. Writing again gives the same files, so no folder is uncertain, or ever given up.

    Args:
        conn: A connection with no transaction open.
        settings: Where the outbox lies.
        now: The time to go by instead of the clock of the database.
        write_issue: Puts one issue into the folder; `duban.publishing.issues.writing` unless given.

    Returns:
        What came of it: `failed` are those that could not be written and wait.
    """
    written, failed = 0, []
    with warehouse.issues.issues_lock(conn):
        due = warehouse.deliveries.due_deliveries(conn, to_folder=True, now=now)
        if due and write_issue is None:
            from duban.publishing.issues.writing import write_issue
        for delivery in due:
            try:
                write_issue(conn, settings, delivery.subject_id)
            except psycopg.Error:
                raise
            except Exception as error:
                reason = f"写入发文目录失败（{type(error).__name__}）"
                log.exception("%s was not written", _named(delivery))
                warehouse.deliveries.postpone_folder(conn, delivery, reason, _wait_after(delivery.attempt_count + 1), now)
                failed.append(f"{_named(delivery)}: {reason}")
            else:
                warehouse.deliveries.record_in_folder(conn, delivery.subject_kind, [delivery.subject_id])
                written += 1
    return DeliveryReport(written, len(failed), failed=tuple(failed))


def deliver_due(
    conn: psycopg.Connection,
    settings: Settings,
    channels: Mapping[str, Channel],
    *,
    now: datetime | None = None,
    write_issue: WriteIssue | None = None,
) -> DeliveryReport:
    """Send everything that is due: issues to their folders first, then by every channel what its folder holds.

    Safe to run at any time, twice at once, and after a kill: nothing is sent twice, and what may have been sent is reported. Where another
    process is sending, messages are left to it.

    Args:
        conn: A connection with no transaction open; whoever sends holds the delivery lock on it.
        settings: Where the outbox and the landing area lie.
        channels: The way of each channel but the folder, by name.
        now: The time to go by instead of the clock of the database.
        write_issue: As `write_issues`.

    Returns:
        What came of it.

    Raises:
        psycopg.Error: the warehouse failed; what was being sent is uncertain, and the next run says so.
    """
    folders = write_issues(conn, settings, now=now, write_issue=write_issue)
    with warehouse.deliveries.deliveries_lock(conn) as is_ours:
        if not is_ours:
            log.info("another process is sending")
            return folders
        run = _Run(conn, settings, channels, now)
        for delivery in warehouse.deliveries.record_interrupted(conn, INTERRUPTED):
            run.note_uncertain(delivery, INTERRUPTED)
        run.send_messages()
        return run.report(folders)


class _Run:
    """One run under the lock."""

    def __init__(self, conn: psycopg.Connection, settings: Settings, channels: Mapping[str, Channel], now: datetime | None):
        self._conn, self._settings, self._channels, self._now = conn, settings, channels, now
        self._ends_at = time.monotonic() + RUN_SECONDS
        self._sent = self._postponed = self._withdrawn = 0
        self._unconfigured: dict[str, int] = {}
        self._failed: list[str] = []
        self._uncertain: list[str] = []

    def report(self, folders: DeliveryReport) -> DeliveryReport:
        """What was done, with what was done for the folders before."""
        return DeliveryReport(
            self._sent + folders.sent,
            self._postponed + folders.postponed,
            self._withdrawn,
            self._unconfigured,
            (*folders.failed, *self._failed),
            tuple(self._uncertain),
        )

    def note_uncertain(self, delivery: Delivery, reason: str) -> None:
        """Say that a line is a person's matter from now on."""
        self._uncertain.append(f"{_named(delivery)}: {reason}")
        log.error("UNCERTAIN, not sent again by itself: %s: %s", _named(delivery), reason)

    def send_messages(self) -> None:
        """Send by every channel, oldest first."""
        ready, stopped = set(), set()
        for delivery in warehouse.deliveries.due_deliveries(self._conn, to_folder=False, now=self._now):
            # All e-mail goes by one server; of robots each has its own connection.
            way = (delivery.channel, None if delivery.channel == "email" else delivery.address)
            if way in stopped:
                continue
            if time.monotonic() > self._ends_at:
                log.info("the time of this run is over; the next one goes on")
                return
            channel = self._channels.get(delivery.channel)
            if way not in ready:
                missing = channel.missing(delivery.address) if channel else f"未配置：{delivery.channel}"
                if missing:
                    self._unconfigured[missing] = self._unconfigured.get(missing, 0) + self._postpone(way, missing, CONFIGURED_AGAIN)
                    stopped.add(way)
                    continue
                ready.add(way)
            try:
                self._send(delivery, channel)
            except Unreachable as error:
                self._postponed += self._postpone(way, str(error), _wait_after(delivery.attempt_count + 1))
                stopped.add(way)

    def _send(self, delivery: Delivery, channel: Channel) -> None:
        try:
            message = messages.compose(self._conn, self._settings, delivery)
        except psycopg.Error:
            raise
        except Exception as error:
            # Before the line is begun: to compose takes time, and a kill in it is no reason for uncertainty.
            log.exception("%s was not composed", _named(delivery))
            message = NotSent(f"没有能写成邮件或消息（{type(error).__name__}）")
        if not self._begin(delivery):
            self._withdrawn += 1
            return
        try:
            if isinstance(message, NotSent):
                raise message
            channel.send(message)
        except NotSent as error:
            if error.retryable and delivery.attempt_count + 1 < MAX_ATTEMPTS:
                self._wait(delivery, str(error))
            else:
                self._end(delivery, "failed", str(error))
                self._failed.append(f"{_named(delivery)}: {error}")
                log.error("given up: %s: %s", _named(delivery), error)
            if isinstance(error, Unreachable):
                raise
        except Uncertain as error:
            self._end(delivery, "uncertain", str(error))
            self.note_uncertain(delivery, str(error))
        except Exception as error:
            # Whatever it was, and its message may hold anything: nobody knows what had left by then.
            self._end(delivery, "uncertain", type(error).__name__)
            self.note_uncertain(delivery, type(error).__name__)
        else:
            self._end(delivery, "sent")
            log.info("sent: %s", _named(delivery))

    def _begin(self, delivery: Delivery) -> bool:
        return warehouse.deliveries.begin_delivery(self._conn, delivery, WORKER_ENDS_WITHIN, self._now) == "sending"

    def _wait(self, delivery: Delivery, reason: str) -> None:
        self._end(delivery, "waiting", reason, _wait_after(delivery.attempt_count + 1))
        self._postponed += 1
        log.warning("to be tried again: %s: %s", _named(delivery), reason)

    def _end(self, delivery: Delivery, status: str, reason: str | None = None, wait: timedelta = timedelta(0)) -> None:
        warehouse.deliveries.end_delivery(self._conn, delivery, status, reason=reason, wait=wait, now=self._now)
        self._sent += status == "sent"

    def _postpone(self, way: tuple[str, str | None], reason: str, wait: timedelta) -> int:
        return warehouse.deliveries.postpone_deliveries(self._conn, *way, reason, wait, self._now)


def _wait_after(attempt: int) -> timedelta:
    """How long a line waits after its nth attempt: 1, 2, 4 … minutes, an hour at most."""
    return min(timedelta(minutes=2 ** min(attempt - 1, 10)), LONGEST_WAIT)


def _named(delivery: Delivery) -> str:
    """A line as logs name it; whose address it is, is nobody's business there."""
    return f"delivery {delivery.delivery_id} ({delivery.subject_kind} {delivery.subject_id} by {delivery.channel})"


# ── what persons decide and see ──────────────────────────────────────────────────────────────────────────────────────


class NothingToDecide(ValueError):
    """There is no such delivery, or none that waits for a person's decision."""


def resend(conn: psycopg.Connection, delivery_id: int, reason: str) -> None:
    """Let a delivery go again that was given up, is uncertain or was withdrawn. It keeps its message id: a duplicate can be recognised.

    Raises:
        NothingToDecide: it is none of these, or the reason is empty.
    """
    _decide(conn, delivery_id, "waiting", ("failed", "uncertain", "withdrawn"), "重发", reason)


def settle(conn: psycopg.Connection, delivery_id: int, reason: str) -> None:
    """Record that an uncertain delivery did arrive, as its addressee says.

    Raises:
        NothingToDecide: it is not uncertain, or the reason is empty.
    """
    _decide(conn, delivery_id, "sent", ("uncertain",), "确认已收到", reason)


def withdraw(conn: psycopg.Connection, delivery_id: int, reason: str) -> None:
    """Give up for good what was given up or is uncertain: it is not wanted any more.

    Raises:
        NothingToDecide: it is neither, or the reason is empty.
    """
    _decide(conn, delivery_id, "withdrawn", ("failed", "uncertain"), "不再发送", reason)


def _decide(conn: psycopg.Connection, delivery_id: int, status: str, among: tuple[str, ...], what: str, reason: str) -> None:
    if not reason.strip():
        raise NothingToDecide("a reason is needed: it is kept with the delivery")
    if not warehouse.deliveries.decide_delivery(conn, delivery_id, status, among, f"{what}：{reason.strip()}"):
        raise NothingToDecide(f"delivery {delivery_id} is not {' or '.join(among)}")


def standing(conn: psycopg.Connection, limit: int = 10) -> list[str]:
    """How deliveries stand, for `make status`: a line for each channel, then what persons must decide. No address is named."""
    by_channel: dict[str, list[str]] = {}
    for channel, status, count, error in conn.execute(
        """select channel, status, count(*), max(last_error) filter (where status = 'waiting') from ops.deliveries
           group by 1, 2 order by channel <> 'folder', 1, 2"""
    ):
        by_channel.setdefault(channel, []).append(f"{count} {status}" + (f" ({error})" if error else ""))
    lines = [f"{channel}: {', '.join(counts)}" for channel, counts in by_channel.items()]
    for row in conn.execute(
        """select status, delivery_id, subject_kind, subject_id, channel, last_error from ops.deliveries
           where status in ('failed', 'uncertain') order by delivery_id desc limit %s""",
        [limit],
    ):
        lines.append("{}: delivery {} ({} {} by {}): {}".format(*row))
    return lines
