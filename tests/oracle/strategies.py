"""Seeded random histories that obey the row rules, so that they can also be replayed through the real system.

The days crowd around the interesting ones: the start of the campaign, the May and Dragon Boat holidays, its end and a few days
beyond, on which only late reports arrive. Two districts use the same problem numbers; arrivals are strictly increasing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from .ranking import Campaign, ProblemVersion, Township, VisitVersion, current_problem, office_code

ZONE = ZoneInfo("Asia/Shanghai")
FIRST_DAY = date(2020, 4, 1)
LAST_DAY = date(2020, 6, 30)
FOREVER = date.max

DISTRICTS = ("430902", "430511")
CAMPAIGNS = tuple(Campaign(district, FIRST_DAY, LAST_DAY) for district in DISTRICTS)
TOWNSHIPS = (
    Township("430902102", True, 1),
    Township("430902104", True, 2),
    Township("430902105", True, 3),
    Township("430902001", True, 4),
    Township("430902400", False, 5),
    Township("430511001", True, 1),
    Township("430511002", True, 2),
)

BUSY_DAYS = tuple(
    FIRST_DAY + timedelta(days=n)
    for n in (0, 1, 2, 5, 6, 29, 30, 34, 35, 36, 38, 60, 75, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 94)
)


@dataclass(frozen=True)
class History:
    """Everything that was ever accepted, in order of arrival."""

    problems: tuple[ProblemVersion, ...]
    visits: tuple[VisitVersion, ...]
    campaigns: tuple[Campaign, ...] = CAMPAIGNS
    townships: tuple[Township, ...] = TOWNSHIPS

    def known_at(self, moment: datetime) -> History:
        """Returns the history as it stood at a moment, the later arrivals cut off."""
        problems = tuple(v for v in self.problems if v.received_at <= moment)
        visits = tuple(v for v in self.visits if v.received_at <= moment)
        return replace(self, problems=problems, visits=visits)

    def arrivals(self) -> list[datetime]:
        """Lists every arrival, ascending."""
        return sorted(v.received_at for v in (*self.problems, *self.visits))


def random_history(seed: int, event_count: int = 60, campaigns: Sequence[Campaign] = CAMPAIGNS) -> History:
    """Builds a history of ``event_count`` accepted rows from a seed; the same seed gives the same history."""
    return _Writer(Random(seed), tuple(campaigns)).write(event_count)


def histories(event_count: int = 60, campaigns: Sequence[Campaign] = CAMPAIGNS) -> st.SearchStrategy[History]:
    """Returns the Hypothesis strategy over ``random_history``."""
    return st.integers(0, 2**32 - 1).map(lambda seed: random_history(seed, event_count, campaigns))


class _Writer:
    """Writes one history, event by event, remembering what the system would know."""

    def __init__(self, random: Random, campaigns: tuple[Campaign, ...]) -> None:
        self._random = random
        self._campaigns = campaigns
        self._problems: list[ProblemVersion] = []
        self._visits: list[VisitVersion] = []

    def write(self, event_count: int) -> History:
        arrival_days = sorted(self._random.choice(BUSY_DAYS) for _ in range(event_count))
        for number, arrival_day in enumerate(arrival_days):
            received_at = datetime(arrival_day.year, arrival_day.month, arrival_day.day, 8, tzinfo=ZONE) + timedelta(seconds=number)
            report_on = arrival_day
            if self._random.random() < 0.3:
                report_on = max(FIRST_DAY, arrival_day - timedelta(days=self._random.choice((1, 1, 2, 3, 7, 20))))
            self._write_event(self._random.choice((DISTRICTS[0],) * 4 + (DISTRICTS[1],)), report_on, received_at)
        return History(tuple(self._problems), tuple(self._visits), self._campaigns)

    def _write_event(self, district: str, report_on: date, received_at: datetime) -> None:
        numbers = sorted({v.problem_no for v in self._problems if v.district_code == district})
        event = self._random.choices(("new", "again", "office", "visit"), weights=(30, 35, 12, 23))[0]
        if not numbers:
            event = "new"
        if event == "new":
            self._problems.append(self._new_problem(district, f"WT-{len(numbers) + 1:03d}", report_on, received_at))
        elif event == "visit":
            self._visits.append(self._visit(district, numbers, report_on, received_at))
        else:
            problem_no = self._random.choice(numbers)
            versions = [v for v in self._problems if (v.district_code, v.problem_no) == (district, problem_no)]
            current = current_problem(versions, FOREVER)
            owner = max(versions, key=lambda v: (v.report_on, v.received_at)).township_code
            is_office = event == "office" or owner is None
            self._problems.append(self._next_version(replace(current, township_code=owner), is_office, report_on, received_at))

    def _new_problem(self, district: str, problem_no: str, report_on: date, received_at: datetime) -> ProblemVersion:
        township = self._random.choice([t.code for t in TOWNSHIPS if t.code.startswith(district)])
        is_office = self._random.random() < 0.15
        found_on = self._found_on(report_on)
        first = ProblemVersion(
            district_code=district,
            problem_no=problem_no,
            township_code=None if is_office and self._random.random() < 0.6 else township,
            unit_code=office_code(district) if is_office else township,
            is_office=is_office,
            status="open",
            found_on=found_on,
            due_on=found_on + timedelta(days=self._random.choice((0, 1, 3, 10, 30))),
            rectified_on=None,
            report_on=report_on,
            received_at=received_at,
        )
        return self._with_status(first, self._random.choice(("open", "open", "in_progress", "rectified")))

    def _next_version(self, before: ProblemVersion, is_office: bool, report_on: date, received_at: datetime) -> ProblemVersion:
        district, township = before.district_code, before.township_code
        if is_office and self._random.random() < 0.4:
            township = self._random.choice([t.code for t in TOWNSHIPS if t.code.startswith(district)])
        found_on = before.found_on
        if found_on > report_on or self._random.random() < 0.1:
            found_on = self._found_on(report_on)
        after = replace(
            before,
            township_code=township,
            unit_code=office_code(district) if is_office else township,
            is_office=is_office,
            found_on=found_on,
            due_on=max(before.due_on, found_on),
            report_on=report_on,
            received_at=received_at,
        )
        weights = (3, 1, 3, 3) if is_office else (3, 2, 6, 0)
        return self._with_status(after, self._random.choices(("open", "in_progress", "rectified", "void"), weights=weights)[0])

    def _visit(self, district: str, numbers: list[str], report_on: date, received_at: datetime) -> VisitVersion:
        visited_on = max(FIRST_DAY, report_on - timedelta(days=self._random.choice((0, 0, 0, 1, 2, 9))))
        known = [v for v in self._visits if v.district_code == district]
        unit_code = f"{district}-D{self._random.randint(1, 3)}"
        record_no = f"DD-{sum(v.unit_code == unit_code for v in known) + 1}"
        withdrawn = False
        if known and self._random.random() < 0.25:
            old = self._random.choice(known)
            unit_code, record_no, withdrawn = old.unit_code, old.record_no, self._random.random() < 0.4
        verdict = self._random.choice(("退回", "退回", "反弹", "反弹", "属实", "新发现", "已巡查"))
        problem_no = None if verdict in ("新发现", "已巡查") else self._random.choice(numbers)
        own = [v for v in self._problems if (v.district_code, v.problem_no) == (district, problem_no)]
        township = own[-1].township_code if own else self._random.choice([t.code for t in TOWNSHIPS if t.code.startswith(district)])
        return VisitVersion(district, unit_code, record_no, visited_on, problem_no, verdict, report_on, received_at, withdrawn, township)

    def _with_status(self, version: ProblemVersion, status: str) -> ProblemVersion:
        rectified_on = None
        if status == "rectified":
            earliest = version.report_on - timedelta(days=self._random.choice((0, 0, 1, 2)))
            rectified_on = max(version.found_on, earliest)
        return replace(version, status=status, rectified_on=rectified_on)

    def _found_on(self, report_on: date) -> date:
        latest = min(report_on, LAST_DAY)
        return max(FIRST_DAY, latest - timedelta(days=self._random.choice((0, 0, 0, 1, 2, 4, 15))))
