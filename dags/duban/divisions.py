"""Districts, townships, villages, units and campaigns: who exists and who may send.

Registering is idempotent: the same file again changes nothing, a newer edition updates names; nothing is ever deleted, because old
rows refer to it. Input columns: village_code, village_name, township_code, township_name, and optionally district_name, township_kind,
is_ranked, display_order.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from duban import warehouse
from duban.warehouse.divisions import Campaign, DivisionsInvalid

REFERENCE = Path(__file__).with_name("reference")
#: Registered from the start, so that the first file can be sent without any set-up.
DISTRICTS_FROM_THE_START = {"430902": "资阳区", "430511": "北塔区"}
DEFAULT_CAMPAIGN = ("回头看", date(2020, 4, 1), date(2020, 6, 30))
GROUPS = ("D1", "D2", "D3")
_REQUIRED = ("village_code", "village_name", "township_code", "township_name")
_TRUE, _FALSE = {"true", "1", "yes", "是"}, {"false", "0", "no", "否"}


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
    name, first, last = DEFAULT_CAMPAIGN[0], *(campaign or DEFAULT_CAMPAIGN[1:])
    return warehouse.divisions.register(conn, _records(rows), district_name, GROUPS, Campaign(name, first, last, campaign is not None))


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
