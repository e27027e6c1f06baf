"""The versions of the rows of a ledger: which is current, who owns it, what it is referred to by, and what its sender wrote."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from duban.ledgers import Ledger
from duban.statements import statement
from duban.warehouse.divisions import Unit


def owners(conn: psycopg.Connection, ledger: Ledger, district_code: str, unit_code: str, keys: Iterable[str]) -> dict[str, str | None]:
    """Township code of the current version of each key that is known in the district; where keys are a unit's own, to the unit."""
    query = query_about(
        """select distinct on ({key}) {key}, {township} from {table} where {scope} and {key} = any(%(keys)s)
           order by {key}, report_on desc, received_at desc""",
        ledger,
    )
    return dict(conn.execute(query, {"district": district_code, "unit": unit_code, "keys": list(keys)}).fetchall())


def newest_version(conn: psycopg.Connection, ledger: Ledger, by: str, district_code: str, names: Iterable[str]) -> int | None:
    """The newest version of the rows of a district that the column `by` names so."""
    query = query_about("select max(version_id) from {table} where district_code = %(district)s and {by} = any(%(names)s)", ledger, by)
    return conn.execute(query, {"district": district_code, "names": list(names)}).fetchone()[0]


def referred_versions(
    conn: psycopg.Connection, ledger: Ledger, by: str, district_code: str, asked: Collection[tuple[str, date]]
) -> dict[tuple[str, date], tuple[date, str | None]]:
    """Report date and township code of the version that the column `by` names so, by name and day: the newest of the day or before, else
    the first one after it.
    """
    if not asked:
        return {}
    query = query_about(statement(__file__, "versions_referred"), ledger, by)
    names, days = [name for name, _ in asked], [day for _, day in asked]
    rows = conn.execute(query, {"district": district_code, "names": names, "days": days})
    return {(name, day): (report_on, township) for name, day, report_on, township in rows}


#: Among the versions of the same row, up to the day that is asked for, there is no newer one: it may not be called so any more.
_HOLDS = """not exists (
    select from {table} as newer
    where newer.district_code = version.district_code and newer.{key} = version.{key} and newer.report_on <= asked.report_on
        and (newer.report_on, newer.received_at, newer.version_id) > (version.report_on, version.received_at, version.version_id)
)"""


def query_about(text: str, ledger: Ledger, by: str | None = None) -> sql.Composed:
    """A query about the versions of a ledger."""
    table, key = sql.Identifier(*ledger.target.split(".")), sql.Identifier(ledger.key_column)
    is_key = by in {None, ledger.key}
    name = key if is_key else sql.Identifier(by)
    if not is_key and ledger.by_name[by].type != "key":  # as `fold` compares texts
        name = sql.SQL(r"normalize(regexp_replace({}, '\s', '', 'g'), nfkc)").format(name)
    return sql.SQL(text).format(
        table=table,
        key=key,
        by=name,
        scope=sql.SQL("district_code = %(district)s" if ledger.key_scope == "district" else "unit_code = %(unit)s"),
        township=sql.SQL("null::text" if ledger.township == "none" else "township_code"),
        holds=sql.SQL("true") if is_key else sql.SQL(_HOLDS).format(table=table, key=key),
    )


#: Of a row that takes its township from another: where that one belongs now.
_REFERRED = """, coalesce((
        select referred.township_code from {table} as referred
        where (referred.district_code, referred.{by}) = (version.district_code, version.{column})
        order by referred.report_on desc, referred.received_at desc limit 1
    ), version.township_code) as referred_township"""


def current_rows(conn: psycopg.Connection, ledger: Ledger, unit: Unit, ledgers: Mapping[str, Ledger]) -> list[dict[str, Any]]:
    """The rows of a ledger that a unit answers for, as they stand: the version that is current, and as `original` what its sender wrote.

    Withdrawn rows are left out. What takes its township from another row has `referred_township` besides: where that one belongs now.
    """
    withdrawn = sql.SQL("false")
    if ledger.withdraw and ledger.withdrawing_values:
        withdrawn = sql.SQL("{} = any({})").format(sql.Identifier(ledger.withdraw), sql.Literal(list(ledger.withdrawing_values)))
    elif ledger.withdraw:
        withdrawn = sql.SQL("{} is not null").format(sql.Identifier(ledger.withdraw))
    referred = sql.SQL("")
    if ledger.township == "referred":
        reference = ledger.references[0]
        of = ledgers[reference.ledger]
        named = {"by": sql.Identifier(reference.by), "column": sql.Identifier(reference.column)}
        referred = sql.SQL(_REFERRED).format(table=sql.Identifier(*of.target.split(".")), **named)
    by_office = ledger.withdraw_by == "office"
    query = sql.SQL(statement(__file__, "versions_current")).format(
        table=sql.Identifier(*ledger.target.split(".")),
        key=sql.Identifier(ledger.key_column),
        scope=sql.SQL("district_code = %(district)s" if ledger.key_scope == "district" else "unit_code = %(unit)s"),
        withdrawn=withdrawn,
        referred=referred,
        answered_by=sql.SQL("township_code" if ledger.owns_by_township else "version.unit_code"),
        is_there=sql.SQL("is_withdrawn is not true") if by_office else sql.SQL("({}) is not true").format(withdrawn),
    )
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(query, {"district": unit.district_code, "unit": unit.unit_code}).fetchall()
