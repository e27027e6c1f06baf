"""Receipts and slips: what is to be written to the outbox, and what a corrected slip answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from duban.statements import statement
from duban.warehouse import locks

#: Larger files are judged and answered apart: nobody waits for them who need not.
LARGE_BYTES = 1 << 20


@dataclass(frozen=True)
class ReturnedRow:
    """A row that was sent back: its ledger (title), its place, its key (None: blank, unreadable, unknown), the columns that were wrong."""

    ledger: str
    sheet: str
    row_no: int
    key: str | None
    wrong: frozenset[str]


@dataclass(frozen=True)
class Returned:
    """What a corrected slip answers: the report date, the rows that were sent back (none: the whole file was), and the keys (target, key)
    of the rows that had been accepted, be it from the file or from earlier corrections of it.
    """

    report_on: date
    rows: tuple[ReturnedRow, ...]
    accepted: frozenset[tuple[str, str]]


def returned_submission(conn: psycopg.Connection, submission_id: str, unit_code: str, keys: Mapping[str, str]) -> Returned | None:
    """The submission that a corrected slip answers; `keys` are the key columns by the raw table of each ledger.

    None when there is no such submission of that unit, or nothing of it was sent back.
    """
    row = conn.execute(
        "select report_on from ops.submissions where submission_id = %s and unit_code = %s and rejected_count > 0",
        (submission_id, unit_code),
    ).fetchone()
    if row is None or row[0] is None:
        return None
    rows = conn.execute(
        """select ledger, sheet, row_no, max(row_key), array_agg(distinct column_name) from quarantine.rejected_rows
           where submission_id = %s and row_no is not null group by ledger, sheet, row_no order by ledger, sheet, row_no""",
        (submission_id,),
    ).fetchall()
    accepted: set[tuple[str, str]] = set()
    for target, key in keys.items():
        query = sql.SQL(statement(__file__, "returns_accepted"))
        named = query.format(key=sql.Identifier(key), target=sql.Identifier(*target.split(".")))
        accepted.update((target, value) for (value,) in conn.execute(named, (submission_id,)))
    return Returned(
        row[0],
        tuple(ReturnedRow(ledger, sheet, row_no, key, frozenset(filter(None, wrong))) for ledger, sheet, row_no, key, wrong in rows),
        frozenset(accepted),
    )


def returns_lock(conn: psycopg.Connection, *, apart: bool = False) -> Any:
    """Only one process writes receipts and slips at a time, and one those of large files."""
    return locks.held(conn, locks.RETURNS_APART if apart else locks.RETURNS)


def unreturned(conn: psycopg.Connection, *, apart: bool = False) -> list[dict[str, Any]]:
    """Submissions whose receipt and slip are to be written to the outbox; `apart`: those of large files, and no others."""
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(
            """select submission_id, unit_code, file_sha256, receipt
               from ops.deliveries join ops.submissions on submission_id = subject_id
               where subject_kind = 'return' and channel = 'folder' and status = 'waiting' and (file_size > %s) = %s
               order by received_at""",
            (LARGE_BYTES, apart),
        ).fetchall()


def large_file_is_due(conn: psycopg.Connection) -> bool:
    """Whether a large file has no outcome, or no answer in the outbox, and nobody works on one."""
    return conn.execute(
        statement(__file__, "returns_large_file").format(is_held=locks.IS_HELD),
        {"locks": [locks.JUDGE_APART, locks.RETURNS_APART], "size": LARGE_BYTES},
    ).fetchone()[0]
