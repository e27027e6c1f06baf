"""Scores, ranking rules and reasons by brute force: exact fractions, every unit compared with every other, closures tried one by one.

Written from the descriptions of `fct_township_scores`, `rpt_township_ranking`, `rpt_rank_reasons` and of the `ref_` seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cache, cached_property

from .ranking import REOPENING, Campaign, ProblemVersion, Township, VisitVersion, current_problem, current_visits, office_code
from .workdays import working_days_between

INDICATORS = (
    "progress",
    "open_count",
    "overdue_count",
    "reopened_count",
    "oldest_open_workdays",
    "progress_since_baseline",
    "progress_on_due",
    "weighted_score",
)
# The first keys that grow with every problem rectified, whichever it is.
MOVED_BY_EVERY_CLOSURE = ("progress", "progress_since_baseline")
ONE_DAY = timedelta(days=1)

Score = tuple[int, int] | None
Keys = tuple[tuple[str, str], ...]
Place = tuple[tuple[bool, Fraction], ...]

working_days = cache(working_days_between)


@dataclass(frozen=True)
class Rule:
    """One line of the ranking rules; ``keys`` are its indicators with `asc` or `desc`."""

    code: str
    district_code: str
    effective_from: date | None
    effective_to: date | None
    keys: Keys


@dataclass(frozen=True)
class Assigned:
    """What one problem in A is on one day."""

    township_code: str
    found_on: date
    due_on: date
    is_rectified: bool
    was_reopened: bool


@dataclass(frozen=True)
class Reason:
    """Who stands directly ahead of a township, by which key, with which scores."""

    ahead: str | None = None
    place: int | None = None
    indicator: str | None = None
    own: Score = None
    other: Score = None


class District:
    """One district with all that was reported, its rules, baselines and weights; ``closed`` names problems that are taken as rectified."""

    def __init__(
        self,
        code: str,
        problems: Iterable[ProblemVersion],
        visits: Iterable[VisitVersion],
        campaigns: Iterable[Campaign],
        townships: Iterable[Township],
        rules: Iterable[Rule],
        baselines: Iterable[tuple[str, date]],
        weights: Mapping[str, int],
    ):
        self.code = code
        self.campaigns = [campaign for campaign in campaigns if campaign.district_code == code]
        self.townships = {township.code: township for township in townships if township.code.startswith(code)}
        self.units = [*self.townships, office_code(code)]
        self.rules = list(rules)
        self.baselines = [(whose, day) for whose, day in baselines if whose in (code, "*")]
        self.weights = dict(weights)
        self._versions: dict[str, list[ProblemVersion]] = {}
        for version in problems:
            self._versions.setdefault(version.problem_no, []).append(version)
        self._reopenings = [visit for visit in current_visits(visits) if visit.verdict in REOPENING]
        self._assigned: dict[date, dict[str, Assigned]] = {}

    @cached_property
    def days(self) -> list[date]:
        """Every day of every campaign."""
        return [
            campaign.start_on + timedelta(days=number)
            for campaign in self.campaigns
            for number in range((campaign.end_on - campaign.start_on).days + 1)
        ]

    def campaign_of(self, day: date) -> Campaign:
        """The campaign that holds the day."""
        return next(campaign for campaign in self.campaigns if campaign.start_on <= day <= campaign.end_on)

    def assigned(self, day: date) -> dict[str, Assigned]:
        """All problems in A of the day, by number."""
        if day not in self._assigned:
            self._assigned[day] = dict(self._states(day))
        return self._assigned[day]

    def _states(self, day: date) -> Iterator[tuple[str, Assigned]]:
        campaign = self.campaign_of(day)
        for number, versions in self._versions.items():
            current = current_problem(versions, day)
            if current is None or current.status == "void" or not campaign.start_on <= current.found_on <= min(day, campaign.end_on):
                continue
            reopened_on = [visit.visited_on for visit in self._reopenings if visit.problem_no == number and visit.visited_on <= day]
            is_rectified = current.status == "rectified" and all(
                current.report_on > visited_on and current.rectified_on is not None and current.rectified_on >= visited_on
                for visited_on in reopened_on
            )
            owner = current.township_code or office_code(self.code)
            yield number, Assigned(owner, current.found_on, current.due_on, is_rectified, bool(reopened_on))

    def problems_of(self, unit: str, day: date, closed: Iterable[str] = ()) -> dict[str, Assigned]:
        """The problems in A of one unit."""
        own = {number: problem for number, problem in self.assigned(day).items() if problem.township_code == unit}
        return {number: replace(problem, is_rectified=True) if number in closed else problem for number, problem in own.items()}

    def open_numbers(self, unit: str, day: date) -> list[str]:
        """The numbers of its open problems."""
        return sorted(number for number, problem in self.problems_of(unit, day).items() if not problem.is_rectified)

    def found_count(self, unit: str, day: date) -> int:
        """Problems in its A, and in nobody's A on the day before."""
        is_first = day == self.campaign_of(day).start_on
        before = {} if is_first else self.assigned(day - ONE_DAY)
        return sum(number not in before for number in self.problems_of(unit, day))

    def baseline_on(self, day: date) -> date:
        """The latest baseline day of its campaign by the day, the district's own before the general ones; else the campaign's first day."""
        start = self.campaign_of(day).start_on
        for whose in (self.code, "*"):
            if found := [baseline for owner, baseline in self.baselines if owner == whose and start <= baseline <= day]:
                return max(found)
        return start

    def _shares(self, problems: list[Assigned], day: date) -> dict[str, tuple[int, int]]:
        due = [problem for problem in problems if problem.due_on <= day]
        still_open = [problem for problem in problems if not problem.is_rectified]
        assigned = len(problems)
        return {
            "rectified": (assigned - len(still_open), assigned),
            "rectified_of_due": (sum(problem.is_rectified for problem in due), len(due)),
            "not_overdue": (assigned - sum(problem.due_on < day for problem in still_open), assigned),
            "not_reopened": (assigned - sum(problem.was_reopened for problem in still_open), assigned),
        }

    def score(self, unit: str, day: date, indicator: str, closed: Iterable[str] = ()) -> Score:
        """Numerator and denominator of an indicator; None when there is nothing to divide by."""
        problems = list(self.problems_of(unit, day, closed).values())
        still_open = [problem for problem in problems if not problem.is_rectified]
        shares = self._shares(problems, day)
        if indicator == "progress":
            found = shares["rectified"]
        elif indicator == "open_count":
            found = len(still_open), 1
        elif indicator == "overdue_count":
            found = sum(problem.due_on < day for problem in still_open), 1
        elif indicator == "reopened_count":
            found = sum(problem.was_reopened for problem in still_open), 1
        elif indicator == "oldest_open_workdays":
            found = max((working_days(problem.found_on, day) for problem in still_open), default=0), 1
        elif indicator == "progress_on_due":
            found = shares["rectified_of_due"]
        elif indicator == "progress_since_baseline":
            baseline = self.baseline_on(day)
            at_baseline = self.problems_of(unit, baseline, closed if baseline == day else ()).values()
            since = [baseline + timedelta(days=number) for number in range(1, (day - baseline).days + 1)]
            base = sum(not problem.is_rectified for problem in at_baseline) + sum(self.found_count(unit, each) for each in since)
            found = base - len(still_open), base
        elif indicator == "weighted_score":
            mean = self._weighted_mean(shares)
            # in the fraction's own size: every share over assigned · due
            base = sum(self.weights[name] for name, (_, of) in shares.items() if of and name in self.weights)
            base *= len(problems) * (shares["rectified_of_due"][1] or 1)
            found = (0, 0) if mean is None else (int(mean * base), base)
        else:
            raise ValueError(indicator)
        return found if found[1] else None

    def _weighted_mean(self, shares: dict[str, tuple[int, int]]) -> Fraction | None:
        """The weighted mean of the shares that are there, exactly."""
        there = [(self.weights[name], Fraction(*share)) for name, share in shares.items() if share[1] and name in self.weights]
        return sum(weight * share for weight, share in there) / sum(weight for weight, _ in there) if there else None

    def rule_on(self, day: date) -> Rule:
        """The rule in force: the district's own before the general one, of several the latest effective."""
        holds = [
            rule
            for rule in self.rules
            if rule.district_code in (self.code, "*")
            and rule.effective_from is not None
            and rule.effective_from <= day <= (rule.effective_to or date.max)
        ]
        return max(holds, key=lambda rule: (rule.district_code != "*", rule.effective_from))

    def place(self, unit: str, day: date, keys: Keys, closed: Iterable[str] = ()) -> Place:
        """What a unit is ordered by, smaller is better; no score comes after every score."""
        places = []
        for indicator, direction in keys:
            score = self.score(unit, day, indicator, closed)
            value = Fraction(*score) if score else Fraction(0)
            places.append((score is None, -value if direction == "desc" else value))
        return tuple(places)

    def taking_part(self, day: date) -> list[str]:
        """The townships that are ranked: those that may be, and have problems."""
        return [code for code, township in self.townships.items() if township.is_ranked and self.problems_of(code, day)]

    def ranking(self, day: date, keys: Keys, closed: Iterable[str] = ()) -> dict[str, tuple[int, int]]:
        """Competition and dense rank of every township that takes part."""
        places = {code: self.place(code, day, keys, closed) for code in self.taking_part(day)}
        ranks = {}
        for code, own in places.items():
            better = [place for place in places.values() if place < own]
            ranks[code] = len(better) + 1, len(set(better)) + 1
        return ranks

    def reason(self, township: str, day: date) -> Reason:
        """Why it does not stand further ahead."""
        keys = self.rule_on(day).keys
        ranks = self.ranking(day, keys)
        directly_ahead = [code for code, (_, dense) in ranks.items() if dense == ranks[township][1] - 1]
        if not directly_ahead:
            return Reason()
        ahead = min(directly_ahead, key=lambda code: (self.townships[code].display_order, code))
        pairs = zip(self.place(township, day, keys), self.place(ahead, day, keys), strict=True)
        position = next(number for number, (own, other) in enumerate(pairs) if own != other)
        indicator = keys[position][0]
        return Reason(ahead, position + 1, indicator, self.score(township, day, indicator), self.score(ahead, day, indicator))

    def closures_needed(self, township: str, ahead: str, day: date) -> int | None:
        """Rectifies one open problem after the other, until the first two keys no longer put it behind the one ahead."""
        keys = self.rule_on(day).keys[:2]
        if keys[0][0] not in MOVED_BY_EVERY_CLOSURE:
            return None
        assert keys[1] == ("open_count", "asc")
        other = self.place(ahead, day, keys)
        still_open = self.open_numbers(township, day)
        for count in range(len(still_open) + 1):
            own = self.place(township, day, keys, still_open[:count])
            # with nothing left open on either side there is no key left to differ in
            if self.score(township, day, keys[0][0]) and (own < other or (own == other and count == len(still_open))):
                return count
        return None

    def adjusted(self, unit: str, day: date) -> Fraction | None:
        """(Z + 10·p) / (A + 10), p the rate of the whole district, its departments and unranked units included; None without problems."""
        everything, own = list(self.assigned(day).values()), list(self.problems_of(unit, day).values())
        if not everything:
            return None
        rate = Fraction(sum(problem.is_rectified for problem in everything), len(everything))
        return (sum(problem.is_rectified for problem in own) + 10 * rate) / (len(own) + 10)
