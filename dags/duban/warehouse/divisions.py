"""Districts with their townships, villages, units and campaigns, how they publish, and the key targets they list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from duban.statements import statement
from duban.text.storable import storable_text


class DivisionsInvalid(ValueError):
    """The file of divisions cannot be used; the message names line and value."""


class Campaign(NamedTuple):
    """Days in which problems are found; `is_named`: somebody said so, and does not only leave it at what is usual."""

    name: str
    first: date
    last: date
    is_named: bool


@dataclass(frozen=True)
class Unit:
    """A registered sender."""

    unit_code: str
    district_code: str
    unit_kind: str
    unit_name: str


def registered_units(conn: psycopg.Connection) -> dict[str, Unit]:
    """Every unit that may send, by code."""
    with conn.cursor(row_factory=class_row(Unit)) as cur:
        return {unit.unit_code: unit for unit in cur.execute("select unit_code, district_code, unit_kind, unit_name from raw.units")}


def townships_and_villages(conn: psycopg.Connection, district_code: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(code, name) of the townships and of the villages of a district."""
    townships = conn.execute("select township_code, township_name from raw.townships where district_code = %s", (district_code,)).fetchall()
    villages = conn.execute(
        "select village_code, village_name from raw.villages join raw.townships using (township_code) where district_code = %s",
        (district_code,),
    ).fetchall()
    return townships, villages


def unit_names(conn: psycopg.Connection, codes: Iterable[str]) -> dict[str, str]:
    """The names of units by their codes; a code that is no unit stands for itself."""
    codes = list(codes)
    if not codes:
        return {}
    return {code: code for code in codes} | dict(
        conn.execute("select unit_code, unit_name from raw.units where unit_code = any(%s)", (codes,)).fetchall()
    )


def township_codes(conn: psycopg.Connection, names: Iterable[str]) -> dict[str, set[str]]:
    """The codes of all townships of these (folded) names, by name; names of no township are left out."""
    codes: dict[str, set[str]] = {}
    query = "select township_name, township_code from raw.townships where township_name = any(%s)"
    for name, code in conn.execute(query, (list(map(storable_text, names)),)):
        codes.setdefault(name, set()).add(code)
    return codes


def campaigns(conn: psycopg.Connection, district_code: str) -> list[tuple[str, date, date]]:
    """Campaigns of a district: name, first day, last day."""
    query = "select campaign_name, started_on, ended_on from raw.campaigns where district_code = %s order by started_on"
    return conn.execute(query, (district_code,)).fetchall()


def register(
    conn: psycopg.Connection, records: Iterable[tuple], district_name: str | None, groups: Collection[str], campaign: Campaign
) -> dict[str, Any]:
    """Register divisions by COPY, with their units and a campaign per district, in one transaction; `duban.divisions.register` says which.

    A campaign whose days nobody named is given to a district that has none.
    """
    with conn.transaction(), conn.cursor() as cur:
        cur.execute("drop table if exists pg_temp.division")
        cur.execute(statement(__file__, "divisions_read"))
        with cur.copy("copy division from stdin") as copy:
            for record in records:
                copy.write_row(record)
        counts = cur.execute(
            "select count(distinct left(township_code, 6)), count(distinct township_code), count(distinct village_code) from division"
        ).fetchone()
        if not counts[2]:
            raise DivisionsInvalid("the file has no rows")
        _check_one_name_each(cur)
        cur.execute(
            """insert into raw.districts (district_code, district_name)
               select left(township_code, 6), coalesce(max(district_name), %s, left(township_code, 6)) from division group by 1
               on conflict (district_code) do update set district_name = excluded.district_name
               where districts.district_name <> excluded.district_name""",
            (district_name if counts[0] == 1 else None,),
        )
        cur.execute(statement(__file__, "divisions_townships"))
        cur.execute(
            """insert into raw.villages (village_code, village_name, township_code)
               select village_code, max(village_name), max(township_code) from division group by village_code
               on conflict (village_code) do update set village_name = excluded.village_name, township_code = excluded.township_code
               where (villages.village_name, villages.township_code) is distinct from (excluded.village_name, excluded.township_code)"""
        )
        cur.execute(statement(__file__, "divisions_units"), (list(groups),))
        _add_campaigns(cur, campaign)
        codes = [code for (code,) in cur.execute("select distinct left(township_code, 6) from division")]
        return {**dict(zip(("districts", "townships", "villages"), counts, strict=True)), "codes": codes}


def _check_one_name_each(cur: psycopg.Cursor) -> None:
    twice = cur.execute(statement(__file__, "divisions_named_twice")).fetchone()
    if twice:
        raise DivisionsInvalid(f"code {twice[0]} has {twice[1]} different names")


def _add_campaigns(cur: psycopg.Cursor, campaign: Campaign) -> None:
    name, first, last, is_named = campaign
    if first > last:
        raise DivisionsInvalid(f"the campaign ends on {last}, before it starts on {first}")
    overlapping = cur.execute(
        """select district_code, campaign_name, started_on, ended_on from raw.campaigns
           where district_code in (select left(township_code, 6) from division)
             and daterange(started_on, ended_on, '[]') && daterange(%s, %s, '[]') and (started_on, ended_on) <> (%s, %s)""",
        (first, last, first, last),
    ).fetchone()
    if overlapping and is_named:
        district, other, other_first, other_last = overlapping
        raise DivisionsInvalid(f"district {district}: {first}–{last} overlaps the campaign {other} {other_first}–{other_last}")
    cur.execute(
        """insert into raw.campaigns (district_code, campaign_name, started_on, ended_on)
           select distinct left(township_code, 6), %s, %s::date, %s::date from division
           where %s or not exists (select from raw.campaigns where district_code = left(township_code, 6)) on conflict do nothing""",
        (name, first, last, is_named),
    )


def record_set_up(conn: psycopg.Connection, codes: Collection[str]) -> None:
    """Record that whoever registered these districts means them to be published, once they have data of their campaign."""
    conn.execute("update raw.districts set set_up_by = 'district' where district_code = any(%s) and set_up_by is null", (list(codes),))


def record_issuer(conn: psycopg.Connection, district_code: str, values: Mapping[str, str | None]) -> None:
    """Set how a district publishes, by columns, and that it does."""
    assignments = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values)
    conn.execute(
        sql.SQL("update raw.districts set {}, set_up_by = 'issuer' where district_code = %(district_code)s").format(assignments),
        {**values, "district_code": district_code},
    )


def replace_targets(conn: psycopg.Connection, targets: Sequence[Mapping[str, str]]) -> None:
    """Let these be the key targets of the districts and years that they name; each has the same columns."""
    if not targets:
        return
    insert = sql.SQL("insert into raw.key_targets ({}) values ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, targets[0])), sql.SQL(", ").join(map(sql.Placeholder, targets[0]))
    )
    with conn.transaction(), conn.cursor() as cur:
        for district, year in {(row["district_code"], row["target_year"]) for row in targets}:
            cur.execute("delete from raw.key_targets where district_code = %s and target_year = %s", [district, year])
        cur.executemany(insert, targets)
