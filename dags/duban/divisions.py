"""Districts, townships, villages, units and campaigns: who exists and who may send.

Owns the tables raw.districts, townships, villages, units, campaigns. Registering is idempotent: the same file again changes
nothing, a newer edition updates names; nothing is ever deleted, because old rows refer to it. Input columns:
village_code, village_name, township_code, township_name, and optionally district_name, township_kind, is_ranked, display_order.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

REFERENCE = Path(__file__).with_name("reference")
#: Registered from the start, so that the first file can be sent without any set-up.
DISTRICTS_FROM_THE_START = {"430902": "资阳区", "430511": "北塔区"}
DEFAULT_CAMPAIGN = ("回头看", date(2020, 4, 1), date(2020, 6, 30))
GROUPS = ("D1", "D2", "D3")
_REQUIRED = ("village_code", "village_name", "township_code", "township_name")
_TRUE, _FALSE = {"true", "1", "yes", "是"}, {"false", "0", "no", "否"}


class DivisionsInvalid(ValueError):
    """The file of divisions cannot be used; the message names line and value."""


def register_reference(conn: psycopg.Connection) -> None:
    """Register the districts every installation starts with, unless they are there: what was changed since stays."""
    known = {code for (code,) in conn.execute("select district_code from raw.districts")}
    for code, name in DISTRICTS_FROM_THE_START.items():
        if code in known:
            continue
        with open(REFERENCE / f"{code}.csv", encoding="utf-8-sig", newline="") as file:
            register(conn, csv.DictReader(file), name)


def register(
    conn: psycopg.Connection,
    rows: Iterable[dict[str, str]],
    district_name: str | None,
    campaign: tuple[date, date] | None = None,
) -> dict[str, Any]:
    """Register all divisions of `rows` by COPY, with their units and a campaign per district. Idempotent, one transaction.

    `district_name` names the district when the rows are of one and carry no district_name themselves; several districts without names go by
    their codes. `campaign` is first and last day; without it a district that has no campaign yet gets 回头看 2020.

    Returns:
        How many districts, townships and villages the rows hold, and the codes of the districts.

    Raises:
        DivisionsInvalid: a column is missing, a code is malformed, a village is not below its township, or the campaign overlaps another.
    """
    with conn.transaction(), conn.cursor() as cur:
        cur.execute("drop table if exists pg_temp.division")
        cur.execute(
            """create temporary table division (
                line int, village_code text, village_name text, township_code text, township_name text,
                district_name text, township_kind text, is_ranked boolean, display_order int
            ) on commit drop"""
        )
        with cur.copy("copy division from stdin") as copy:
            for record in _records(rows):
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
        cur.execute(
            """insert into raw.townships (township_code, district_code, township_name, township_kind, is_ranked, display_order)
               select township_code, left(township_code, 6), max(township_name),
                      coalesce(max(township_kind), case when max(township_name) ~ '街道(办事处)?$' then '街道'
                          when max(township_name) ~ '镇$' then '镇' when max(township_name) ~ '乡$' then '乡' else '其他' end),
                      coalesce(bool_and(is_ranked), true),
                      coalesce(max(display_order), row_number() over (partition by left(township_code, 6) order by township_code))
               from division group by township_code
               on conflict (township_code) do update set township_name = excluded.township_name, township_kind = excluded.township_kind,
                   is_ranked = excluded.is_ranked, display_order = excluded.display_order
               where (townships.township_name, townships.township_kind, townships.is_ranked, townships.display_order)
                   is distinct from (excluded.township_name, excluded.township_kind, excluded.is_ranked, excluded.display_order)"""
        )
        cur.execute(
            """insert into raw.villages (village_code, village_name, township_code)
               select village_code, max(village_name), max(township_code) from division group by village_code
               on conflict (village_code) do update set village_name = excluded.village_name, township_code = excluded.township_code
               where (villages.village_name, villages.township_code) is distinct from (excluded.village_name, excluded.township_code)"""
        )
        cur.execute(
            """insert into raw.units (unit_code, district_code, unit_kind, unit_name)
               select township_code, district_code, 'township', township_name from raw.townships
               where district_code in (select left(township_code, 6) from division)
               union all
               select district_code || '000', district_code, 'office', district_name || '办公室' from raw.districts
               where district_code in (select left(township_code, 6) from division)
               union all
               select district_code || '-' || g, district_code, 'group', '第' || right(g, 1) || '督导组'
               from raw.districts, unnest(%s::text[]) g
               where district_code in (select left(township_code, 6) from division)
               on conflict (unit_code) do update set unit_name = excluded.unit_name where units.unit_name <> excluded.unit_name""",
            (list(GROUPS),),
        )
        _add_campaigns(cur, campaign)
        codes = [code for (code,) in cur.execute("select distinct left(township_code, 6) from division")]
        return {**dict(zip(("districts", "townships", "villages"), counts, strict=True)), "codes": codes}


def _records(rows: Iterable[dict[str, str]]) -> Iterator[tuple]:
    for line, row in enumerate(rows, start=2):
        missing = [name for name in _REQUIRED if not (row.get(name) or "").strip()]
        if missing:
            raise DivisionsInvalid(f"line {line}: {', '.join(missing)} is missing")
        village, village_name, township, township_name = (row[name].strip() for name in _REQUIRED)
        if not (len(village) == 12 and village.isdigit() and len(township) == 9 and township.isdigit() and village.startswith(township)):
            raise DivisionsInvalid(
                f"line {line}: village {village!r} has no 12 digits, or does not lie in township {township!r} (9 digits)"
            )
        if township.endswith("000"):
            raise DivisionsInvalid(f"line {line}: township {township!r}: <district>000 is the code of the district office")
        ranked, order = (row.get("is_ranked") or "").strip().lower(), (row.get("display_order") or "").strip()
        if ranked and ranked not in _TRUE | _FALSE:
            raise DivisionsInvalid(f"line {line}: is_ranked {ranked!r} is neither true nor false")
        if order and not order.isdigit():
            raise DivisionsInvalid(f"line {line}: display_order {order!r} is not a number")
        yield (
            line,
            village,
            village_name,
            township,
            township_name,
            (row.get("district_name") or "").strip() or None,
            (row.get("township_kind") or "").strip() or None,
            ranked in _TRUE if ranked else None,
            int(order) if order else None,
        )


def _check_one_name_each(cur: psycopg.Cursor) -> None:
    twice = cur.execute(
        """select township_code, count(distinct township_name) from division group by 1 having count(distinct township_name) > 1
           union all
           select village_code, count(distinct village_name) from division group by 1 having count(distinct village_name) > 1
           union all
           select left(township_code, 6), count(distinct district_name) from division group by 1 having count(distinct district_name) > 1
           limit 1"""
    ).fetchone()
    if twice:
        raise DivisionsInvalid(f"code {twice[0]} has {twice[1]} different names")


def _add_campaigns(cur: psycopg.Cursor, campaign: tuple[date, date] | None) -> None:
    name, first, last = DEFAULT_CAMPAIGN[0], *(campaign or DEFAULT_CAMPAIGN[1:])
    if first > last:
        raise DivisionsInvalid(f"the campaign ends on {last}, before it starts on {first}")
    overlapping = cur.execute(
        """select district_code, campaign_name, started_on, ended_on from raw.campaigns
           where district_code in (select left(township_code, 6) from division)
             and daterange(started_on, ended_on, '[]') && daterange(%s, %s, '[]') and (started_on, ended_on) <> (%s, %s)""",
        (first, last, first, last),
    ).fetchone()
    if overlapping and campaign:
        district, other, other_first, other_last = overlapping
        raise DivisionsInvalid(f"district {district}: {first}–{last} overlaps the campaign {other} {other_first}–{other_last}")
    cur.execute(
        """insert into raw.campaigns (district_code, campaign_name, started_on, ended_on)
           select distinct left(township_code, 6), %s, %s::date, %s::date from division
           where %s or not exists (select from raw.campaigns where district_code = left(township_code, 6)) on conflict do nothing""",
        (name, first, last, campaign is not None),
    )


def main(argv: list[str] | None = None) -> int:
    """Command line of `make district`: register a CSV of divisions in the running warehouse."""
    from duban.settings import load_settings
    from duban.warehouse import connect

    parser = argparse.ArgumentParser(prog="make district", description="Register the divisions and units of a district.")
    parser.add_argument("file", type=Path, help="CSV: village_code, village_name, township_code, township_name, …")
    parser.add_argument("district_name", nargs="?", help="name of the district, unless the file has a column district_name")
    parser.add_argument("--campaign-start", type=date.fromisoformat, help="first day of the campaign (2020-04-01)")
    parser.add_argument("--campaign-end", type=date.fromisoformat, help="last day of the campaign (2020-06-30)")
    args = parser.parse_args(argv)
    if (args.campaign_start is None) != (args.campaign_end is None):
        parser.error("give both --campaign-start and --campaign-end, or neither")
    campaign = (args.campaign_start, args.campaign_end) if args.campaign_start else None
    settings = load_settings()
    try:
        with open(args.file, encoding="utf-8-sig", newline="") as file, connect(settings) as conn:
            counts = register(conn, csv.DictReader(file), args.district_name, campaign)
            # whoever registers it means it to be published, once it has data of its campaign
            conn.execute(
                "update raw.districts set set_up_by = 'district' where district_code = any(%s) and set_up_by is null", (counts["codes"],)
            )
            listed = conn.execute(
                """select district_code, district_name, campaign_name, started_on, ended_on
                   from raw.districts join raw.campaigns using (district_code)
                   where district_code = any(%s) order by district_code, started_on limit 20""",
                (sorted(counts.pop("codes")),),
            ).fetchall()
            units = [unit for (unit,) in conn.execute("select unit_code from raw.units order by 1")]
    except UnicodeDecodeError:
        print(f"{args.file}: not UTF-8; save the file as CSV UTF-8", file=sys.stderr)
        return 1
    except (DivisionsInvalid, OSError) as error:
        print(f"{args.file}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return 1
    for unit in units:
        (settings.inbox / unit).mkdir(parents=True, exist_ok=True)
    for code, name, campaign_name, first, last in listed:
        print(f"{code} {name}: campaign {campaign_name} {first} – {last}; a problem found on another day is sent back (P10)")
    if counts["districts"] > 1 and args.district_name:
        print(f"the file holds {counts['districts']} districts: {args.district_name!r} names none of them; give a column district_name")
    print(", ".join(f"{noun}: {number}" for noun, number in counts.items()) + "; inbox folders are ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
