"""What a day costs as the history grows: a district whose townships send their whole ledgers every day, after 10, 100 and 365 days.

For each length: a full refresh of everything before the last day, then the build of the last day, then a look back with `ranking_as_of`.
On an otherwise idle machine:

    PYTHONPATH=dags:. .venv/bin/python bench/growth.py [--townships 14] [--problems 20]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from duban import warehouse
from duban.orchestration import dbt
from duban.settings import TIMEZONE
from tests.conftest import Office, open_office, open_server
from tests.integration.test_ranking_random import load, register
from tests.oracle import ranking
from tests.oracle.strategies import History

LENGTHS = (10, 100, 365)
FIRST_DAY = date(2020, 1, 1)
DISTRICT = "519900"


def main() -> None:
    """Print a line per length of history."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--townships", type=int, default=14)
    parser.add_argument("--problems", type=int, default=20, help="problems of each township")
    options = parser.parse_args()
    print(f"{'days':>5} {'versions':>9} | {'full refresh s':>14} | {'last day s':>10} {'again, idle s':>13} | {'ranking_as_of s':>15}")
    with tempfile.TemporaryDirectory() as folder, open_server(Path(folder) / "server") as server:
        for days in LENGTHS:
            with open_office(server, Path(folder) / str(days)) as office:
                _measure(office, days, options.townships, options.problems)


def _measure(office: Office, days: int, townships: int, problems: int) -> None:
    last = FIRST_DAY + timedelta(days=days - 1)
    units = [ranking.Township(f"{DISTRICT}{number:03d}", True, number) for number in range(1, townships + 1)]
    campaign = ranking.Campaign(DISTRICT, FIRST_DAY, FIRST_DAY + timedelta(days=364))
    with warehouse.connect(office.settings) as conn:
        register(conn, History((), (), (campaign,)), units)
        for number in range(days - 1):
            load(conn, _ledgers(units, problems, FIRST_DAY + timedelta(days=number)))
        conn.execute("analyze")
        full = _seconds(lambda: dbt.build(office.settings, "install", full_refresh=True, today=last - timedelta(days=1)))
        load(conn, _ledgers(units, problems, last))
        grown = _seconds(lambda: dbt.build(office.settings, "live", today=last))
        idle = _seconds(lambda: dbt.build(office.settings, "live", today=last))
        asked = _seconds(
            lambda: conn.execute("select * from marts.ranking_as_of(%s, %s, now())", [DISTRICT, FIRST_DAY + timedelta(days=days // 2)])
        )
    count = days * townships * problems
    print(f"{days:5} {count:9,} | {full:14.1f} | {grown:10.1f} {idle:13.1f} | {asked:15.2f}", flush=True)


def _ledgers(units: list[ranking.Township], problems: int, day: date) -> list[ranking.ProblemVersion]:
    """The whole ledgers of a day, a township after the other; each day some more problems are rectified."""
    versions = []
    for unit in units:
        for number in range(problems):
            due_on = FIRST_DAY + timedelta(days=20 + 18 * number)
            is_rectified = day >= due_on
            versions.append(
                ranking.ProblemVersion(
                    district_code=DISTRICT,
                    problem_no=f"{unit.code}-{number}",
                    township_code=unit.code,
                    unit_code=unit.code,
                    is_office=False,
                    status="rectified" if is_rectified else "open",
                    found_on=FIRST_DAY,
                    due_on=due_on,
                    rectified_on=due_on if is_rectified else None,
                    report_on=day,
                    received_at=datetime(2021, 1, 1, tzinfo=TIMEZONE) + timedelta(days=(day - FIRST_DAY).days, seconds=len(versions)),
                )
            )
    return versions


def _seconds(work) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
