"""Ranking rule ZY-2020-R1 by brute force: every day, every problem, every version is looked at again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cmp_to_key

from .rates import percent
from .workdays import working_days_between

REOPENING = ("退回", "反弹")


@dataclass(frozen=True)
class ProblemVersion:
    """One accepted row of a problem ledger; ``township_code`` is None for a department's problem."""

    district_code: str
    problem_no: str
    township_code: str | None
    unit_code: str
    is_office: bool
    status: str  # open, in_progress, rectified, void
    found_on: date
    due_on: date
    rectified_on: date | None
    report_on: date
    received_at: datetime


@dataclass(frozen=True)
class VisitVersion:
    """One accepted row of a supervision ledger; ``withdrawn`` takes it back; ``township_code`` is None for the office."""

    district_code: str
    unit_code: str
    record_no: str
    visited_on: date
    problem_no: str | None
    verdict: str
    report_on: date
    received_at: datetime
    withdrawn: bool = False
    township_code: str | None = None


@dataclass(frozen=True)
class Campaign:
    """A campaign of a district, both ends included."""

    district_code: str
    start_on: date
    end_on: date


@dataclass(frozen=True)
class Township:
    """A township or other unit that can own problems; its district is the first six digits of the code."""

    code: str
    is_ranked: bool
    display_order: int = 0


@dataclass(frozen=True)
class TownshipDay:
    """The figures of one township on one day."""

    assigned: int
    rectified: int
    open: int
    overdue: int
    reopened: int
    found: int
    closed: int
    oldest_open_workdays: int


@dataclass(frozen=True)
class RankingRow:
    """One line of a ranking; both ranks are None for a unit that is not ranked or has nothing assigned."""

    township_code: str
    is_ranked: bool
    rank: int | None
    dense_rank: int | None
    rectified_pct: Decimal | None
    figures: TownshipDay


@dataclass(frozen=True)
class _State:
    """What one problem is on one day; a problem outside A has no state."""

    problem_no: str
    township_code: str
    is_rectified: bool
    is_past_due: bool
    was_reopened: bool
    found_on: date


def current_problem(versions: Iterable[ProblemVersion], day: date, known_at: datetime | None = None) -> ProblemVersion | None:
    """Picks what holds for ONE problem on a day: the latest version, unless the office's last word is a void, which stands."""
    known = [v for v in versions if v.report_on <= day and (known_at is None or v.received_at <= known_at)]
    if not known:
        return None
    known.sort(key=lambda v: (v.report_on, v.received_at))
    from_office = [v for v in known if v.is_office]
    if from_office and from_office[-1].status == "void":
        return from_office[-1]
    return known[-1]


def current_visits(visits: Iterable[VisitVersion], known_at: datetime | None = None) -> list[VisitVersion]:
    """Lists the current version of every visit record that is not withdrawn; the day reported on plays no other part."""
    records: dict[tuple[str, str, str], VisitVersion] = {}
    for visit in visits:
        if known_at is not None and visit.received_at > known_at:
            continue
        key = (visit.district_code, visit.unit_code, visit.record_no)
        other = records.get(key)
        if other is None or (visit.report_on, visit.received_at) > (other.report_on, other.received_at):
            records[key] = visit
    return [visit for visit in records.values() if not visit.withdrawn]


def office_code(district_code: str) -> str:
    """Returns the code of the district office, under which problems without a township stand."""
    return district_code + "000"


def _campaign_of(campaigns: Iterable[Campaign], district_code: str, day: date) -> Campaign | None:
    for campaign in campaigns:
        if campaign.district_code == district_code and campaign.start_on <= day <= campaign.end_on:
            return campaign
    return None


def _states(
    by_problem: dict[str, list[ProblemVersion]], visits: list[VisitVersion], campaign: Campaign, day: date, known_at: datetime | None
) -> list[_State]:
    """Works out every problem of the campaign that is in A on a day."""
    states = []
    for problem_no, versions in by_problem.items():
        current = current_problem(versions, day, known_at)
        if current is None or current.status == "void":
            continue
        if current.found_on > day or not campaign.start_on <= current.found_on <= campaign.end_on:
            continue
        reopened_on = [v.visited_on for v in visits if v.problem_no == problem_no and v.verdict in REOPENING and v.visited_on <= day]
        is_rectified = current.status == "rectified"
        if is_rectified and reopened_on:
            visited_on = max(reopened_on)
            fixed_after = current.rectified_on is not None and current.rectified_on >= visited_on
            is_rectified = current.report_on > visited_on and fixed_after
        states.append(
            _State(
                problem_no=problem_no,
                township_code=current.township_code or office_code(current.district_code),
                is_rectified=is_rectified,
                is_past_due=current.due_on < day,
                was_reopened=bool(reopened_on),
                found_on=current.found_on,
            )
        )
    return states


def _figures(today: list[_State], yesterday: list[_State], township_code: str, day: date) -> TownshipDay:
    mine = [s for s in today if s.township_code == township_code]
    still_open = [s for s in mine if not s.is_rectified]
    assigned_before = {s.problem_no for s in yesterday}
    rectified_before = {s.problem_no for s in yesterday if s.is_rectified}
    return TownshipDay(
        assigned=len(mine),
        rectified=len(mine) - len(still_open),
        open=len(still_open),
        overdue=sum(s.is_past_due for s in still_open),
        reopened=sum(s.was_reopened for s in still_open),
        found=sum(s.problem_no not in assigned_before for s in mine),
        closed=sum(s.is_rectified and s.problem_no not in rectified_before for s in mine),
        oldest_open_workdays=working_days_between(min(s.found_on for s in still_open), day) if still_open else 0,
    )


def _day_figures(
    problems: Iterable[ProblemVersion],
    visits: Iterable[VisitVersion],
    campaign: Campaign,
    townships: Iterable[Township],
    day: date,
    known_at: datetime | None,
) -> dict[str, TownshipDay]:
    """Works out one day of one district: every unit of it, and always the office."""
    by_problem: dict[str, list[ProblemVersion]] = {}
    for version in problems:
        if version.district_code == campaign.district_code:
            by_problem.setdefault(version.problem_no, []).append(version)
    own_visits = [v for v in current_visits(visits, known_at) if v.district_code == campaign.district_code]
    today = _states(by_problem, own_visits, campaign, day, known_at)
    yesterday = _states(by_problem, own_visits, campaign, day - timedelta(days=1), known_at)
    codes = {t.code for t in townships if t.code[:6] == campaign.district_code} | {office_code(campaign.district_code)}
    strangers = {s.township_code for s in today} - codes
    if strangers:
        raise ValueError(f"problems of units that are not listed: {sorted(strangers)}")
    return {code: _figures(today, yesterday, code, day) for code in sorted(codes)}


def township_days(
    problems: Iterable[ProblemVersion],
    visits: Iterable[VisitVersion],
    campaigns: Iterable[Campaign],
    townships: Iterable[Township],
    today: date,
    known_at: datetime | None = None,
) -> dict[tuple[date, str], TownshipDay]:
    """Works out every day of every campaign up to today, for every unit and the office, as known at ``known_at`` (None: now)."""
    problems, visits, townships = list(problems), list(visits), list(townships)
    days: dict[tuple[date, str], TownshipDay] = {}
    for campaign in campaigns:
        day = campaign.start_on
        while day <= min(campaign.end_on, today):
            for code, figures in _day_figures(problems, visits, campaign, townships, day, known_at).items():
                days[day, code] = figures
            day += timedelta(days=1)
    return days


def compare(one: TownshipDay, two: TownshipDay) -> int:
    """Compares by ZY-2020-R1: negative when ``one`` stands before ``two``, 0 when they share a rank."""
    shares = two.rectified * one.assigned - one.rectified * two.assigned
    if shares:
        return shares
    for mine, other in (
        (one.open, two.open),
        (one.overdue, two.overdue),
        (one.reopened, two.reopened),
        (one.oldest_open_workdays, two.oldest_open_workdays),
    ):
        if mine != other:
            return mine - other
    return 0


def rank_units(figures: dict[str, TownshipDay], townships: Iterable[Township]) -> list[RankingRow]:
    """Ranks the units of one district and day; ranked ones first, equal ranks in ``display_order``, then the unranked."""
    units = {t.code: t for t in townships}
    ranked = [code for code in figures if code in units and units[code].is_ranked and figures[code].assigned > 0]
    ranked.sort(key=cmp_to_key(lambda a, b: compare(figures[a], figures[b])))
    ranks: dict[str, tuple[int, int]] = {}
    for position, code in enumerate(ranked, start=1):
        if position == 1:
            ranks[code] = (1, 1)
            continue
        before = ranked[position - 2]
        if compare(figures[before], figures[code]) == 0:
            ranks[code] = ranks[before]
        else:
            ranks[code] = (position, ranks[before][1] + 1)
    rows = []
    for code, day in figures.items():
        rank, dense_rank = ranks.get(code, (None, None))
        is_ranked = code in units and units[code].is_ranked
        rows.append(RankingRow(code, is_ranked, rank, dense_rank, percent(day.rectified, day.assigned), day))
    orders = {code: unit.display_order for code, unit in units.items()}
    rows.sort(key=lambda r: (r.rank is None, r.rank or 0, orders.get(r.township_code, 0), r.township_code))
    return rows


def ranking(
    problems: Iterable[ProblemVersion],
    visits: Iterable[VisitVersion],
    campaigns: Iterable[Campaign],
    townships: Iterable[Township],
    district_code: str,
    day: date,
    known_at: datetime | None = None,
) -> list[RankingRow]:
    """Ranks one district on one day as known at ``known_at`` (None: now); empty when no campaign of it contains the day."""
    townships = list(townships)
    campaign = _campaign_of(campaigns, district_code, day)
    if campaign is None:
        return []
    figures = _day_figures(problems, visits, campaign, townships, day, known_at)
    return rank_units(figures, [t for t in townships if t.code[:6] == district_code])
