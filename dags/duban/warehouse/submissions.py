"""Files from senders, from the moment they are taken to their one outcome: the table `ops.submissions`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row

from duban.settings import TIMEZONE
from duban.statements import statement
from duban.warehouse import locks
from duban.warehouse.divisions import Unit

ACCEPTED = ("accepted", "accepted_with_rejections")
# Of a process that was stopped in the middle of a COPY the server knows only that it sends nothing.
LONGEST_ROUND = "30min"


@dataclass(frozen=True)
class Claim:
    """A file that was taken and waits for its outcome."""

    submission_id: str
    district_code: str
    unit_code: str
    unit_kind: str
    unit_name: str
    file_name: str
    file_sha256: str
    file_size: int
    file_mtime_ns: int
    claimed_at: datetime
    named_dates: Collection[date] | None = None  # days that the name states, as it was sent; null for files that an earlier version took

    @property
    def arrived_on(self) -> date:
        """Day of arrival in the district's time zone."""
        return self.claimed_at.astimezone(TIMEZONE).date()


@dataclass(frozen=True)
class NewClaim:
    """What is recorded when a file is taken."""

    unit: Unit
    inbox_path: bytes
    file_name: str
    file_sha256: str
    file_size: int
    file_mtime_ns: int
    file_inode: int
    file_ctime_ns: int
    is_whole: bool
    named_dates: Collection[date]


@dataclass(frozen=True)
class Unremoved:
    """A claim whose file may still lie in the inbox, because the process ended between the two steps."""

    submission_id: str
    inbox_path: bytes
    file_sha256: str
    file_size: int
    file_mtime_ns: int
    file_inode: int | None  # null for files that an earlier version took
    file_ctime_ns: int | None


def claim_lock(conn: psycopg.Connection) -> Any:
    """Only one process takes files from the inbox at a time."""
    return locks.held(conn, locks.CLAIM)


def unremoved_claims(conn: psycopg.Connection) -> list[Unremoved]:
    """Claims whose file has not been seen to leave the inbox."""
    with conn.cursor(row_factory=class_row(Unremoved)) as cur:
        return cur.execute(
            """select submission_id, inbox_path, file_sha256, file_size, file_mtime_ns, file_inode, file_ctime_ns
               from ops.submissions where removed_at is null"""
        ).fetchall()


def record_claims(conn: psycopg.Connection, claims: Sequence[NewClaim]) -> list[str]:
    """Record files as taken, in one transaction; returns their new submission ids in the same order."""
    rows = [
        (
            claim.unit.district_code,
            claim.unit.unit_code,
            claim.inbox_path,
            claim.file_name,
            claim.file_sha256,
            claim.file_size,
            claim.file_mtime_ns,
            claim.file_inode,
            claim.file_ctime_ns,
            claim.is_whole,
            sorted(claim.named_dates),
        )
        for claim in claims
    ]
    with conn.transaction(), conn.cursor() as cur:
        cur.executemany(statement(__file__, "submissions_claim"), rows, returning=True)
        return [result.fetchone()[0] for result in cur.results()] if rows else []


def record_removed(conn: psycopg.Connection, paths: Mapping[str, bytes]) -> None:
    """Record that the files of these claims have left the inbox, and what is kept of their paths, by submission id."""
    with conn.transaction():
        conn.execute(
            """update ops.submissions as taken set removed_at = clock_timestamp(), inbox_path = gone.inbox_path
               from unnest(%s::text[], %s::bytea[]) as gone (submission_id, inbox_path)
               where taken.submission_id = gone.submission_id""",
            (list(paths), list(paths.values())),
        )


def judge_lock(conn: psycopg.Connection, *, apart: bool = False) -> Any:
    """Only one process judges claimed files at a time, and one those that are judged apart."""
    return locks.held(conn, locks.JUDGE_APART if apart else locks.JUDGE, longest_transaction=LONGEST_ROUND)


def waiting_claims(conn: psycopg.Connection) -> list[Claim]:
    """The files without an outcome, in the order they are judged: visits' senders last, then mtime, name, unit."""
    with conn.cursor(row_factory=class_row(Claim)) as cur:
        return cur.execute(
            """select submission_id, s.district_code, unit_code, unit_kind, unit_name, file_name, file_sha256, file_size,
                      file_mtime_ns, claimed_at, named_dates
               from ops.submissions s join raw.units u using (unit_code)
               where outcome is null order by (unit_kind = 'group'), file_mtime_ns, file_name, unit_code"""
        ).fetchall()


def unanswered(conn: psycopg.Connection, seconds: float) -> int:
    """How many files were taken more than `seconds` ago and have no answer: no outcome, or one that does not lie in the outbox."""
    return conn.execute(statement(__file__, "submissions_unanswered"), (seconds,)).fetchone()[0]


def accepted_before(conn: psycopg.Connection, files: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[tuple[str, date]]]:
    """Earlier submissions of these bytes that were accepted wholly or in part, by (unit, hash): id and report date, in order of arrival."""
    units, hashes = [unit for unit, _ in files], [sha256 for _, sha256 in files]
    rows = conn.execute(
        """select unit_code, file_sha256, submission_id, report_on
           from (select distinct * from unnest(%s::text[], %s::text[]) as asked (unit_code, file_sha256)) asked
           join ops.submissions using (unit_code, file_sha256) where outcome = any(%s) order by received_at""",
        (units, hashes, list(ACCEPTED)),
    )
    found: dict[tuple[str, str], list[tuple[str, date]]] = {}
    for unit, sha256, submission_id, report_on in rows:
        found.setdefault((unit, sha256), []).append((submission_id, report_on))
    return found


def record_outcomes(conn: psycopg.Connection, outcomes: Iterable[Mapping[str, Any]]) -> None:
    """Give submissions their one outcome: `submission_id` and the columns to set, `receipt` as JSON text. Call inside `load_transaction`.

    Raises:
        RuntimeError: one has an outcome already; the transaction must not commit.
    """
    outcomes = iter(outcomes)
    first = next(outcomes)
    statement = sql.SQL("update ops.submissions set {} where submission_id = {} and outcome is null").format(
        sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in first),
        sql.Placeholder("submission_id"),
    )
    written = 0

    def counted() -> Iterator[Mapping[str, Any]]:
        nonlocal written
        for outcome in chain([first], outcomes):
            written += 1
            yield outcome

    with conn.cursor() as cur:
        cur.executemany(statement, counted())
        if cur.rowcount != written:
            raise RuntimeError(f"{written - cur.rowcount} of {written} submissions have an outcome already")


def last_received_at(conn: psycopg.Connection) -> datetime | None:
    """When the last submission was received; None before the first one."""
    return conn.execute("select max(received_at) from ops.submissions").fetchone()[0]


def judged_after(conn: psycopg.Connection, moment: datetime | None) -> list[dict[str, Any]]:
    """What became of every file that was received after a moment, in order: who sent it, outcome, counts. As JSON can hold it."""
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(statement(__file__, "submissions_judged"), (moment,)).fetchall()


def unjudged_files(conn: psycopg.Connection, district_code: str, claimed_by: datetime) -> int:
    """How many files of a district had been taken by a time and have no outcome yet."""
    query = "select count(*) from ops.submissions where district_code = %s and outcome is null and claimed_at <= %s"
    return conn.execute(query, (district_code, claimed_by)).fetchone()[0]
