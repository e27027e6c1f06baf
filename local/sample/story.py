"""What happens between 22 and 30 June 2020, as `story.yml` tells it.

The end is given first (the figures of the half-year summary: 273 problems, 237 rectified; 145 projects, 140 started; the fund
tiers) and the days lead up to it. Every seed tells the same story: it changes names, places, texts and amounts, never a figure.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from local.sample.data import told

Record = TypeVar("Record")


def june(day: int) -> date:
    """A day of June 2020."""
    return date(2020, 6, day)


# 25 to 27 June is the Dragon Boat holiday, Sunday the 28th is worked.
DAYS = tuple(june(day) for day in range(22, 31))
FIRST_DAY, LAST_DAY = DAYS[0], DAYS[-1]
CITY_FEEDBACK_DAY = june(24)


@dataclass(frozen=True)
class UnitStory:
    """One sender.

    Attributes:
        prefix: begins its problem numbers.
        progress: (day of June, problems known so far, of these rectified) for each day with a problem ledger, counting what
            the gate accepts; without the problems fed back by the city group, without void ones, and not less for what a
            supervision group undoes (`UNDOINGS`).
        projects: number of projects.
        late_starters: of these, started between 23 and 30 June.
        never_started: of these, not started on 30 June.
        project_days, fund_days: days of June on which these ledgers come too.
        overdue: problems open at the end whose time limit has passed.
        city_closed_on: day of June on which the problem fed back by the city group is closed, 0 if never; None: has none.
        voided_on: day of June on which the office voids a problem of this township; None: none.
        same_day: days on which a problem is found and closed (边查边改).
    """

    prefix: str
    progress: tuple[tuple[int, int, int], ...]
    projects: int
    late_starters: int
    never_started: int
    project_days: tuple[int, ...]
    fund_days: tuple[int, ...]
    overdue: int = 0
    city_closed_on: int | None = None
    voided_on: int | None = None
    same_day: tuple[int, ...] = ()


@dataclass(frozen=True)
class Receipt:
    """Money the district received (or gave back), in 万元."""

    tier: str
    stage: str
    amount: Decimal
    moved_on: date
    document_no: str


@dataclass(frozen=True)
class Batch:
    """An allocation of one tier to projects, in 万元, and the day the office reports it."""

    tier: str
    amount: Decimal
    moved_on: date
    document_no: str
    reported_on: date


@dataclass(frozen=True)
class GroupStory:
    """One supervision group.

    Attributes:
        name: as it writes itself.
        prefix: begins its record numbers.
        routes: day of June → units visited, by the last three digits of their codes.
        entered_twice: (day, unit, day on which the second of the two records is withdrawn).
    """

    name: str
    prefix: str
    routes: dict[int, str]
    entered_twice: tuple[int, str, int] | None = None


@dataclass(frozen=True)
class Undoing:
    """A closure that a visit sends back (退回) or finds undone (反弹).

    Attributes:
        claimed_on: report date of the row that said 整改到位. On the day of the visit itself: the problem never counted as rectified.
        again_on: report date of the row that closes it for good; None: it stays open.
    """

    unit: str
    verdict: str
    claimed_on: date
    visited_on: date
    again_on: date | None = None


@dataclass(frozen=True)
class Discovery:
    """Something new that a visit finds (新发现).

    Attributes:
        listed_on: report date of the ledger that takes it up; None: no ledger does by 30 June (`W09`).
        numbered_on: report date of the visit record that names the number it was given.
    """

    unit: str
    visited_on: date
    listed_on: date | None = None
    numbered_on: date | None = None


def _value(key: str, value: Any) -> Any:
    """A value of a record: amounts are decimals, a bare number is a day of June."""
    if key == "amount":
        return Decimal(value)
    return june(value) if isinstance(value, int) else value


def _records(kind: type[Record], key: str) -> tuple[Record, ...]:
    return tuple(kind(**{name: _value(name, value) for name, value in record.items()}) for record in _TOLD[key])


_TOLD = told("story.yml")
STORIES = {unit: UnitStory(**story) for unit, story in _TOLD["stories"].items()}
GROUPS = {group: GroupStory(**story) for group, story in _TOLD["groups"].items()}
RECEIPTS, BATCHES = _records(Receipt, "receipts"), _records(Batch, "batches")
UNDOINGS, DISCOVERIES = _records(Undoing, "undoings"), _records(Discovery, "discoveries")
FUNDED: dict[str, int] = _TOLD["funded"]
PROJECT_CATEGORIES: dict[str, int] = _TOLD["project_categories"]
WORKSHOPS: int = _TOLD["workshops"]
DUPLICATE_REASON = "重复登记"
