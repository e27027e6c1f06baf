"""Supervision coverage by brute force: of the townships that were not at zero the evening before, how many were visited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from .ranking import Campaign, TownshipDay, VisitVersion, current_visits, office_code
from .rates import percent

GROUPS = ("D1", "D2", "D3")


@dataclass(frozen=True)
class SupervisionDay:
    """One district on one day, seen for one group or, with ``group_code`` None, for all of them."""

    day: date
    group_code: str | None
    due: int
    visited: int
    coverage_pct: Decimal | None
    visits: int
    confirmed: int
    returned: int
    relapsed: int
    found: int


def supervision_days(
    days: Mapping[tuple[date, str], TownshipDay], visits: Iterable[VisitVersion], campaign: Campaign, today: date
) -> set[SupervisionDay]:
    """Works out every day of a campaign up to today from its township-days, for each group and for all of them together."""
    own = [visit for visit in current_visits(visits) if visit.district_code == campaign.district_code]
    office = office_code(campaign.district_code)
    found = set()
    day = campaign.start_on
    while day <= min(campaign.end_on, today):
        evening_before = day - timedelta(days=1)
        due = {
            code
            for (on, code), figures in days.items()
            if on == evening_before and figures.open > 0 and code != office and code.startswith(campaign.district_code)
        }
        for group in (None, *(f"{campaign.district_code}-{group}" for group in GROUPS)):
            made = [visit for visit in own if visit.visited_on == day and group in (None, visit.unit_code)]
            seen = due & {visit.township_code for visit in made}
            verdicts = Counter(visit.verdict for visit in made)
            rate = percent(len(seen), len(due))
            counts = [verdicts[word] for word in ("属实", "退回", "反弹", "新发现")]
            found.add(SupervisionDay(day, group, len(due), len(seen), rate, len(made), *counts))
        day += timedelta(days=1)
    return found
