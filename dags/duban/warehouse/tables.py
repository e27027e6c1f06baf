"""The tables of the ledgers, made from `expectations/`: a new ledger or column is added, nothing is ever dropped.

A ledger of released name keeps its table: what its columns ask for is there already, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import psycopg
from psycopg import sql

from duban.ledgers import Ledger, Reference
from duban.warehouse import locks
from duban.warehouse.locks import LOCK_TIMEOUT

#: How the values of a type are stored; a village and a certificate have columns of their own.
_TYPES = {
    **dict.fromkeys(["key", "text", "name", "person", "vocabulary"], "text"),
    **dict.fromkeys(["date", "month"], "date"),
    **dict.fromkeys(["money", "number"], "numeric(18,2)"),
    **dict.fromkeys(["count", "year"], "integer"),
    "percent": "numeric(12,6)",
}
_LONGEST_NAME = 63


class TypeChanged(ValueError):
    """A column has another type in the warehouse than `expectations/` asks for; the message names it."""


class StoredColumn(NamedTuple):
    """A column of the table of a ledger, its type as PostgreSQL writes it."""

    name: str
    type: str
    is_nullable: bool
    comment: str
    extra: str = ""


def stored_columns(ledger: Ledger) -> list[StoredColumn]:
    """The columns of a ledger's table, in their order."""
    lineage = {"district_code": "text", "unit_code": "text", "is_office": "boolean", "report_on": "date"}
    return [
        StoredColumn("version_id", "bigint", False, "Version", "generated always as identity primary key"),
        StoredColumn("submission_id", "text", False, "Submission", "references ops.submissions"),
        *(StoredColumn(name, kind, False, "Who reported, and for which day") for name, kind in lineage.items()),
        StoredColumn("received_at", "timestamp with time zone", False, "When it arrived"),
        *_own_columns(ledger),
        StoredColumn("source_file", "text", False, "File as the sender named it"),
        StoredColumn("source_sheet", "text", False, "Sheet"),
        StoredColumn("source_row", "integer", False, "Row of the sheet, from 1"),
        StoredColumn("masked_at", "timestamp with time zone", True, "When a name that came later was masked in its texts; null: never"),
    ]


def _own_columns(ledger: Ledger) -> Iterator[StoredColumn]:
    township = StoredColumn("township_code", "text", ledger.township == "named", "Township, <district>000: of no township")
    if ledger.township != "none" and "township" not in ledger.by_name:
        yield township
    for column in ledger.columns:
        is_nullable = not (column.is_required or column.name in ledger.defaults)
        match column.type:
            case "township":
                yield township
            case "village":
                yield StoredColumn("village_code", "text", is_nullable, column.title)
            case "villages":
                yield StoredColumn("village_codes", "text[]", False, column.title, "default '{}'")
            case "id_number" | "certificate":
                yield StoredColumn("household_key", "text", True, "Household: keyed HMAC of the number")
            case _ if not column.is_personal:
                yield StoredColumn(column.name, _TYPES[column.type], is_nullable, column.title)
        written = [name for name, of in ledger.as_written.items() if of == column.name]
        yield from (StoredColumn(name, "text", True, f"{column.title}, as written") for name in written)


def _indexes(ledger: Ledger, referred_by: Iterable[str]) -> dict[str, str]:
    """The indexes of a ledger's table by name, as PostgreSQL writes what stands behind `using`."""
    order = f'"{ledger.key_column}", report_on, received_at'
    of_keys = {"of_a_key": f"btree (unit_code, {order})"}
    if ledger.key_scope == "district":
        of_keys = {
            "of_a_key": f"btree (district_code, {order}, version_id)",
            "of_the_office": f"btree (district_code, {order}, version_id) WHERE is_office",
        }
    found = {
        **of_keys,
        "of_a_file": "btree (submission_id)",
        "received": "btree (received_at)",
        "masked": "btree (masked_at) WHERE (masked_at IS NOT NULL)",
        **{f"by_{name}": f'btree (district_code, "{name}")' for name in referred_by},
    }
    if ledger.free_texts:
        texts = ", ".join(f'"{name}"' for name in ledger.free_texts)
        found["pairs"] = f"gin (raw.pairs(VARIADIC ARRAY[{texts}]))"
    return {f"{ledger.table}_{name}"[:_LONGEST_NAME]: definition for name, definition in found.items()}


def provide_tables(conn: psycopg.Connection, ledgers: Iterable[Ledger]) -> list[str]:
    """Make the tables of the ledgers, or add what they lack; returns what was made. In one transaction. `conn` is the operator's.

    Raises:
        TypeChanged: a column is of another type than it was; nothing is made.
    """
    ledgers = list(ledgers)
    made: list[str] = []
    with locks.held(conn, locks.MIGRATE), conn.transaction():
        conn.execute(f"set local {LOCK_TIMEOUT}")
        for ledger in ledgers:
            made += _provide_columns(conn, ledger)
        for ledger in ledgers:
            names = [reference.column for reference in ledger.references]
            names += [reference.by for other in ledgers for reference in other.references if _is_found_by_key(reference, ledger)]
            made += _provide_indexes(conn, ledger, dict.fromkeys(names))
    return made


def _is_found_by_key(reference: Reference, ledger: Ledger) -> bool:
    return reference.ledger == ledger.name and reference.by != ledger.key and ledger.by_name[reference.by].type == "key"


def _provide_columns(conn: psycopg.Connection, ledger: Ledger) -> list[str]:
    table, columns = sql.Identifier(*ledger.target.split(".")), stored_columns(ledger)
    there = {
        name: (kind, is_required)
        for name, kind, is_required in conn.execute(
            """select attname, format_type(atttypid, atttypmod), attnotnull and not atthasdef and attidentity = '' from pg_attribute
               where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped""",
            (ledger.target,),
        )
    }
    if not there:
        defined = sql.SQL(", ").join(_definition(column, column.is_nullable) for column in columns)
        conn.execute(sql.SQL("create table {} ({})").format(table, defined))
        conn.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(f"Every version of every row of {ledger.title}")))
    for column in columns:
        kind, is_required = there.get(column.name, (None, False))
        if kind is None:
            if there:  # of the rows that are there nobody knows it
                is_nullable = "default" not in column.extra
                conn.execute(sql.SQL("alter table {} add column {}").format(table, _definition(column, is_nullable)))
            name = sql.Identifier(*ledger.target.split("."), column.name)
            conn.execute(sql.SQL("comment on column {} is {}").format(name, sql.Literal(column.comment)))
        elif kind != column.type:
            raise TypeChanged(
                f"{ledger.target}.{column.name} is {kind} in the warehouse, and expectations/{ledger.name}/columns.csv asks for "
                f"{column.type}. What was reported is never changed: give the column another name, or its old type."
            )
    wanted = {column.name: column for column in columns}
    for name, (_, is_required) in there.items():
        if is_required and (name not in wanted or wanted[name].is_nullable):
            conn.execute(sql.SQL("alter table {} alter column {} drop not null").format(table, sql.Identifier(name)))
    return [f"{ledger.target}.{column.name}" for column in columns if column.name not in there] if there else [ledger.target]


def _definition(column: StoredColumn, is_nullable: bool) -> sql.Composed:
    return sql.SQL("{} {} {} {}").format(
        sql.Identifier(column.name), sql.SQL(column.type), sql.SQL("" if is_nullable else "not null"), sql.SQL(column.extra)
    )


def _provide_indexes(conn: psycopg.Connection, ledger: Ledger, referred_by: Iterable[str]) -> list[str]:
    schema, table = ledger.target.split(".")
    there = {
        name: definition.split(" USING ", 1)[1]
        for name, definition in conn.execute(
            "select indexname, indexdef from pg_indexes where (schemaname, tablename) = (%s, %s)", (schema, table)
        )
    }
    made = []
    for name, definition in _indexes(ledger, referred_by).items():
        if definition.replace('"', "") in (found.replace('"', "") for found in there.values()):
            continue
        if name in there:  # of the pairs of texts, when there is one more
            conn.execute(sql.SQL("drop index {}").format(sql.Identifier(schema, name)))
        conn.execute(
            sql.SQL("create index {} on {} using {}").format(sql.Identifier(name), sql.Identifier(schema, table), sql.SQL(definition))
        )
        made.append(f"{schema}.{name}")
    return made
