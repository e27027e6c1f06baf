"""The supervision groups: whom they visit on each working day, and what their records say of it.

A record names a problem only if a ledger of an earlier day had it, so that it does not matter which file of a day arrives first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random
from typing import Any

from local.sample.data import lines
from local.sample.mistakes import VISITS, Entry, Mistake, with_mistakes
from local.sample.people import person_name
from local.sample.places import Township
from local.sample.problems import Problem
from local.sample.story import DISCOVERIES, DUPLICATE_REASON, GROUPS, UNDOINGS, Discovery, june

PATROLLED, CONFIRMED, FOUND = "已巡查", "属实", "新发现"
MEMBERS = 4


@dataclass(frozen=True)
class Visit(Entry):
    """One record. `amended` replaces columns of it from the report date `amended_on` on."""

    record_no: str
    sent_on: date
    township: str | None
    village: str | None
    problem_no: str | None
    verdict: str
    description: str
    visitors: str
    amended_on: date | None = None
    amended: tuple[tuple[str, Any], ...] = ()

    def row(self, day: date) -> dict[str, Any]:
        """The right record as a file of that day has it."""
        row = {
            "记录编号": self.record_no, "督导日期": self.sent_on, "乡镇": self.township, "村(社区)": self.village,
            "问题编号": self.problem_no, "核查结论": self.verdict, "情况说明": self.description, "督导人员": self.visitors,
            "撤销原因": None,
        }  # fmt: skip
        return row | dict(self.amended) if self.amended_on and day >= self.amended_on else row


def build_visits(group: str, townships: Mapping[str, Township], problems: Mapping[str, Sequence[Problem]], rng: Random) -> list[Visit]:
    """All records of one group, in the order of their numbers; `problems` by the unit that owns them."""
    story = GROUPS[group]
    members = [person_name(rng) for _ in range(MEMBERS)]
    confirmed: set[str] = set()
    visits: list[Visit] = []
    for day, route in ((june(day), route) for day, route in story.routes.items()):
        visitors = "、".join(rng.sample(members, 2))
        for unit in (f"430902{end}" for end in route.split()):
            drafts = list(_drafts(unit, townships.get(unit), problems[unit], day, confirmed, rng))
            if story.entered_twice and (day.day, unit[-3:]) == story.entered_twice[:2]:
                withdrawn = (("撤销原因", DUPLICATE_REASON),)
                drafts.append(replace(drafts[0], amended_on=june(story.entered_twice[2]), amended=withdrawn))
            for draft in drafts:
                visits.append(replace(draft, record_no=f"{story.prefix}{len(visits) + 1:03}", visitors=visitors))
    return with_mistakes(group, VISITS, visits, _may_spoil, rng.choice)


def _drafts(
    unit: str, township: Township | None, problems: Sequence[Problem], day: date, confirmed: set[str], rng: Random
) -> Iterator[Visit]:
    """The records of one visit, without number and visitors: the round, what it finds and undoes, the closures it confirms."""
    name = township.name if township else None

    def about(problem: Problem, verdict: str) -> Visit:
        slots = {"description": problem.description, "measures": problem.measures, "evidence": problem.evidence}
        return Visit("", day, name, problem.village, problem.problem_no, verdict, _text(verdict, rng).format(**slots), "")

    if township:
        text = _text(PATROLLED, rng).format(n=rng.randint(2, 6))
        yield Visit("", day, name, rng.choice(township.villages), None, PATROLLED, text, "")
    for discovery in (one for one in DISCOVERIES if (one.unit, one.visited_on) == (unit, day)):
        yield _discovery(discovery, township, problems, rng)
    for undoing in (one for one in UNDOINGS if (one.unit, one.visited_on) == (unit, day)):
        yield about(next(problem for problem in problems if problem.undoing is undoing), undoing.verdict)
    closed = [
        problem for problem in problems
        if problem.closed_on and problem.closed_on < day and problem.problem_no not in confirmed
    ]  # fmt: skip
    rng.shuffle(closed)
    # What was sent back and is rectified again is looked at first.
    closed.sort(key=lambda problem: problem.undoing is None)
    for problem in closed[: rng.randint(2, 3) if township else 1]:
        confirmed.add(problem.problem_no)
        yield about(problem, CONFIRMED)


def _discovery(discovery: Discovery, township: Township | None, problems: Sequence[Problem], rng: Random) -> Visit:
    """Something new: what a ledger will say of it, if one takes it up, and its number once there is one."""
    if discovery.listed_on is None:
        village = rng.choice(township.villages)
        return Visit("", discovery.visited_on, township.name, village, None, FOUND, _text(FOUND, rng).format(village=village), "")
    problem = next(one for one in problems if one.sent_on == discovery.listed_on and one.found_on == discovery.visited_on)
    numbered = (("问题编号", problem.problem_no),)
    return Visit(
        "", discovery.visited_on, township.name, problem.village, None, FOUND, problem.description, "",
        amended_on=discovery.numbered_on, amended=numbered,
    )  # fmt: skip


def _may_spoil(visit: Visit, mistake: Mistake) -> bool:
    return (visit.sent_on, visit.verdict) == (mistake.day, CONFIRMED) and visit.township is not None


def _text(verdict: str, rng: Random) -> str:
    return rng.choice([line["text"] for line in lines("visit_texts.csv") if line["verdict"] == verdict])
