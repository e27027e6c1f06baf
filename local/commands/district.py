"""`make district`: register a district, with inbox folders for its units."""

from __future__ import annotations

import argparse
import csv
from datetime import date

from duban import warehouse
from duban.divisions import register
from local.console import Console, Problem
from local.system import System, open_warehouse, rebuild_marts

REQUIRED = ("file",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("file", help="CSV with the columns of dags/duban/reference/430511.csv")
    parser.add_argument("district_name", nargs="?", default="", help="name of the district, unless the file has a column district_name")
    parser.add_argument("--campaign-start", default="", help="first day of its campaign (2020-04-01)")
    parser.add_argument("--campaign-end", default="", help="last day of its campaign (2020-06-30)")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Register the divisions of a file and rebuild the marts, so that the district shows at once.

    Raises:
        Problem: the file cannot be used, or the system does not run.
    """
    days = [day for day in (options.campaign_start, options.campaign_end) if day]
    if len(days) == 1:
        raise Problem("A campaign has a first and a last day: give both, or neither.")
    try:
        campaign = tuple(map(date.fromisoformat, days)) or None
        with open(options.file, encoding="utf-8-sig", newline="") as file, open_warehouse(system) as conn:
            counts = register(conn, csv.DictReader(file), options.district_name or None, campaign)
            codes = counts.pop("codes")
            warehouse.divisions.record_set_up(conn, codes)
            listed = conn.execute(
                """select district_code, district_name, campaign_name, started_on, ended_on
                   from raw.districts join raw.campaigns using (district_code)
                   where district_code = any(%s) order by district_code, started_on limit 20""",
                (codes,),
            ).fetchall()
            units = warehouse.divisions.registered_units(conn)
    except UnicodeDecodeError:
        raise Problem(f"{options.file}: not UTF-8; save the file as CSV UTF-8. Nothing was registered.") from None
    except (ValueError, OSError) as error:
        raise Problem(f"{options.file}: {getattr(error, 'strerror', None) or error}. Nothing was registered.") from None
    for unit in units:
        (system.installation.settings.inbox / unit).mkdir(parents=True, exist_ok=True)
    for code, name, campaign_name, first, last in listed:
        console.show(f"{code} {name}: campaign {campaign_name} {first} – {last}; a problem found on another day is sent back (P10)")
    if len(codes) > 1 and options.district_name:
        console.show(f"the file holds {len(codes)} districts: {options.district_name!r} names none of them; give a column district_name")
    console.show(", ".join(f"{noun}: {number}" for noun, number in counts.items()) + "; inbox folders are ready")
    rebuild_marts(system, console)
