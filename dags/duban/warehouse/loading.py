"""Loading: one transaction at a time, arrival times in the order of commits, rows by COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import psycopg
from psycopg import sql

from duban.text.storable import is_storable, storable_text
from duban.warehouse import locks


@contextmanager
def load_transaction(conn: psycopg.Connection) -> Iterator[None]:
    """One transaction under the load lock: arrival times given inside are in the order of commits."""
    with conn.transaction():
        lock_loading(conn)
        yield


def lock_loading(conn: psycopg.Connection) -> None:
    """Take the load lock for the rest of the transaction."""
    conn.execute("select pg_advisory_xact_lock(%s)", (locks.LOAD,))


def next_received_at(conn: psycopg.Connection, count: int) -> list[datetime]:
    """As many times of arrival, each later than the one before and than every one given before. Call inside `load_transaction`."""
    query = "select greatest(clock_timestamp(), max(received_at) + interval '1 microsecond') from ops.submissions"
    first = conn.execute(query).fetchone()[0]
    return [first + timedelta(microseconds=number) for number in range(count)]


def copy_rows(conn: psycopg.Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append rows to `schema.table` by COPY; every row has the same columns. Rows are taken one by one, never all at once."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    names = list(first)
    statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, names)))
    with conn.cursor() as cur, cur.copy(statement) as copy:
        for row in chain([first], rows):
            values = [row[name] for name in names]
            if not is_storable("".join([value for value in values if isinstance(value, str)])):
                values = [storable_text(value) if isinstance(value, str) else value for value in values]
            copy.write_row(values)
