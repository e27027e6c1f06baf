"""The problems of one sender: what each is in the end, and what its ledger row says on each day before."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any

from local.sample.data import lines
from local.sample.mistakes import CLOSING_RULES, PROBLEMS, Entry, Mistake, planted
from local.sample.people import Household
from local.sample.places import Township
from local.sample.story import CITY_FEEDBACK_DAY, DISCOVERIES, FIRST_DAY, LAST_DAY, STORIES, UNDOINGS, Undoing, UnitStory, june

CAMPAIGN_FIRST_FIND = date(2020, 4, 13)
ROUNDS = (
    ("第一轮排查", "第一轮回头看", CAMPAIGN_FIRST_FIND, date(2020, 5, 8)),
    ("第二轮排查", "第二轮回头看", date(2020, 5, 11), date(2020, 6, 5)),
    ("再回头看", "脱贫攻坚再回头看", date(2020, 6, 8), date(2020, 6, 19)),
)
OPEN, UNDER_WAY, RECTIFIED, VOID = "未整改", "整改中", "整改到位", "撤销"


@dataclass(frozen=True)
class Problem(Entry):
    """A problem as it is on 30 June, with the days on which its row changed.

    Attributes:
        sent_on: report date of the first row, right or wrong.
        accepted_on: report date of the first row the gate accepts.
        closed_on: report date of the accepted row that closes it; None: open to the end.
        under_way_on: report date from which an open problem is 整改中.
        undoing: what a supervision group makes of an earlier closure, dated `claimed_rectified_on`.
    """

    sent_on: date
    accepted_on: date
    closed_on: date | None = None
    under_way_on: date | None = None
    is_void: bool = False
    undoing: Undoing | None = None
    claimed_rectified_on: date | None = None
    found_on: date = CAMPAIGN_FIRST_FIND
    rectified_on: date | None = None
    due_on: date = LAST_DAY
    problem_no: str = ""
    township: str | None = None
    village: str | None = None
    household: Household | None = None
    source: str = ""
    batch: str | None = None
    category: str = ""
    description: str = ""
    department: str | None = None
    measures: str = ""
    evidence: str = ""
    remark: str | None = None
    leader: str = ""

    def row(self, day: date) -> dict[str, Any]:
        """The right ledger row of a day."""
        if self.closed_on and day >= self.closed_on:
            return self.claimed_row(self.rectified_on)
        # The ledger of the day of the visit does not know of it yet.
        if self.undoing and self.undoing.claimed_on <= day <= self.undoing.visited_on:
            return self.claimed_row(self.claimed_rectified_on)
        taken_up = self.under_way_on and day >= self.under_way_on or self.undoing and day > self.undoing.visited_on
        status = UNDER_WAY if taken_up else OPEN
        return self._row(status, self.measures if status == UNDER_WAY else None, None, None)

    def claimed_row(self, rectified_on: date) -> dict[str, Any]:
        """The row that says the problem is rectified."""
        return self._row(RECTIFIED, self.measures, rectified_on, self.evidence)

    def meant_row(self, mistake: Mistake) -> dict[str, Any]:
        """The row that a mistake spoils: the first one, one that says the problem is rectified, or that of the day."""
        if mistake.kind == "new":
            return self.row(self.accepted_on)
        if mistake.kind == "closing" or mistake.rule in CLOSING_RULES:
            return self.claimed_row(self.rectified_on or mistake.day)
        return self.row(mistake.day)

    def void_row(self, reason: str) -> dict[str, Any]:
        """The row by which the office voids the problem."""
        return self._row(VOID, None, None, None) | {"撤销原因": reason}

    def _row(self, status: str, measures: str | None, rectified_on: date | None, evidence: str | None) -> dict[str, Any]:
        return {
            "问题编号": self.problem_no, "乡镇": self.township, "村(社区)": self.village,
            "户主姓名": self.household.head if self.household else None, "证件号码": self.household.id_number if self.household else None,
            "问题来源": self.source, "反馈批次": self.batch, "发现日期": self.found_on, "问题类别": self.category,
            "问题描述": self.description, "行业部门": self.department, "整改措施": measures, "责任领导": self.leader,
            "整改时限": self.due_on, "整改状态": status, "完成日期": rectified_on, "印证资料": evidence, "撤销原因": None,
            "备注": self.remark,
        }  # fmt: skip


def build_problems(unit: str, township: Township | None, officials: list[str], homes: list[Household], rng: Random) -> list[Problem]:
    """All problems that one unit's ledger holds, in the order of their numbers; the void ones too."""
    story = STORIES[unit]
    problems = _schedule_closings(unit, story, _schedule_arrivals(unit, story, rng), rng)
    problems = _date_them(unit, story, problems, rng)
    problems.sort(key=lambda problem: problem.found_on)
    problems = [replace(problem, problem_no=f"{story.prefix}-{number:03}") for number, problem in enumerate(problems, start=1)]
    if story.city_closed_on is not None:
        problems.append(_fed_back_by_city(unit, story))
    return _supervised(unit, [_described(problem, township, officials, homes, rng) for problem in problems])


def _schedule_arrivals(unit: str, story: UnitStory, rng: Random) -> list[Problem]:
    """One problem per place in the progress table, with its first day; those sent wrongly at first begin a file earlier."""
    problems: list[Problem] = []
    days = [june(day) for day, _, _ in story.progress]
    for index, (day, (_, known, _)) in enumerate(zip(days, story.progress, strict=True)):
        missing = known - len(problems)
        for mistake in planted(unit, days[index - 1], PROBLEMS, "new") if index else ():
            closed_on = day if mistake.rule in CLOSING_RULES else None
            problems.append(Problem(days[index - 1], day, closed_on, mistakes={days[index - 1]: mistake}))
            missing -= 1
        problems.extend(Problem(day, day, closed_on=day if day.day in story.same_day else None) for _ in range(missing))
    if story.voided_on:
        problems.append(Problem(FIRST_DAY, FIRST_DAY, is_void=True))
    return problems


def _schedule_closings(unit: str, story: UnitStory, problems: list[Problem], rng: Random) -> list[Problem]:
    """Give each rectified problem the day it is closed on and plant the mistakes of closures and of later versions."""
    problems = list(problems)
    days = [june(day) for day, _, _ in story.progress]
    order = rng.sample(range(len(problems)), len(problems))
    done = 0
    for index, (day, (_, _, rectified)) in enumerate(zip(days, story.progress, strict=True)):
        wanted = rectified - done - sum(problem.closed_on == day for problem in problems)
        ready = [at for at in order if problems[at].accepted_on < max(day, june(23)) and _is_open(problems[at])]
        if not index:
            # On the first day every ledger has a problem open from the first day of the first round: townships can be level.
            ready.remove(0)
        # What arrived with the last file comes last, so that a mistaken closure in that file has an accepted row before it.
        closing = sorted(ready, key=lambda at: index and problems[at].accepted_on == days[index - 1])[:wanted]
        for at in closing:
            problems[at] = replace(problems[at], closed_on=day)
        done = rectified
        spoilable = [at for at in closing if index and problems[at].accepted_on < days[index - 1]]
        for mistake, at in zip(planted(unit, days[index - 1], PROBLEMS, "closing") if index else (), spoilable, strict=False):
            problems[at] = replace(problems[at], mistakes=problems[at].mistakes | {days[index - 1]: mistake})
    for at, problem in enumerate(problems):
        if not problem.closed_on and not problem.is_void and rng.random() < 0.7:
            problems[at] = replace(problem, under_way_on=rng.choice([day for day in days if day >= problem.accepted_on]))
    for day in days:
        for mistake in planted(unit, day, PROBLEMS, "update"):
            at = next(at for at in order if _may_be_updated_wrongly(problems[at], mistake))
            problems[at] = replace(
                problems[at], mistakes=problems[at].mistakes | {day: mistake},
                under_way_on=day if mistake.rule == "P07" else problems[at].under_way_on,
            )  # fmt: skip
    return problems


def _is_open(problem: Problem) -> bool:
    return problem.closed_on is None and not problem.is_void


def _may_be_updated_wrongly(problem: Problem, mistake: Mistake) -> bool:
    if mistake.rule == "P09":
        return problem.is_void
    return _is_open(problem) and problem.accepted_on < mistake.day and not problem.mistakes


def _date_them(unit: str, story: UnitStory, problems: list[Problem], rng: Random) -> list[Problem]:
    """Found, rectified and due dates that fit the schedule and break no rule."""
    days = [june(day) for day, _, _ in story.progress]
    dated, overdue = [], story.overdue
    for at, problem in enumerate(problems):
        batch = None
        if problem.sent_on == FIRST_DAY:
            source, batch, first, last = ROUNDS[0] if at == 0 else rng.choices(ROUNDS, weights=(4, 3, 2))[0]
            found_on = first if at == 0 else _weekday(first + timedelta(days=rng.randint(1, (last - first).days)))
        else:
            found_on, source = problem.sent_on, rng.choice(("日常发现", "日常发现", "督导发现"))
        rectified_on = None
        if problem.closed_on:
            # A closure sent wrongly at first had happened by then.
            known_on = min([day for day, mistake in problem.mistakes.items() if _spoils_closure(mistake)] + [problem.closed_on])
            earliest = found_on if known_on == FIRST_DAY else max(found_on, max((day for day in days if day < known_on), default=found_on))
            rectified_on = _weekday(earliest + timedelta(days=rng.randint(0, (known_on - earliest).days)), not_before=earliest)
        if problem.closed_on:
            due_on = max(found_on + timedelta(days=rng.choice((15, 20, 30))), problem.closed_on + timedelta(days=rng.randint(0, 6)))
        else:
            due_on = rng.choice((june(30), date(2020, 7, 3), date(2020, 7, 10), date(2020, 7, 20), date(2020, 7, 31)))
            if overdue and problem.sent_on == FIRST_DAY and not problem.is_void:
                overdue -= 1
                due_on = june(23 + 2 * overdue)
        dated.append(replace(problem, found_on=found_on, rectified_on=rectified_on, due_on=due_on, source=source, batch=batch))
    return dated


def _spoils_closure(mistake: Mistake) -> bool:
    return mistake.kind == "closing" or (mistake.kind == "new" and mistake.rule in CLOSING_RULES)


def _weekday(day: date, not_before: date = CAMPAIGN_FIRST_FIND) -> date:
    """The day itself, or the Friday before a weekend unless that is too early."""
    friday = day - timedelta(days=max(0, day.weekday() - 4))
    return friday if friday >= not_before else day


def _fed_back_by_city(unit: str, story: UnitStory) -> Problem:
    """The problem of this township among the four that the city group fed back: the office sends it, the township goes on with it."""
    number = 1 + sorted(code for code, other in STORIES.items() if other.city_closed_on is not None).index(unit)
    next_files = [june(day) for day, _, _ in story.progress if june(day) > CITY_FEEDBACK_DAY]
    closed_on = june(story.city_closed_on) if story.city_closed_on else None
    return Problem(
        sent_on=next_files[0], accepted_on=CITY_FEEDBACK_DAY, closed_on=closed_on, under_way_on=next_files[0], found_on=CITY_FEEDBACK_DAY,
        rectified_on=closed_on, due_on=date(2020, 7, 10), problem_no=f"市反馈-{number:03}", source="市级反馈", batch="市督查组6月24日反馈",
    )  # fmt: skip


def _supervised(unit: str, problems: list[Problem]) -> list[Problem]:
    """The problems after what supervision groups undo and find."""
    problems = list(problems)
    for undoing in (one for one in UNDOINGS if one.unit == unit):
        closed_on = undoing.claimed_on if undoing.claimed_on < undoing.visited_on else undoing.again_on
        at = next(
            at for at, problem in enumerate(problems)
            if problem.closed_on == closed_on and problem.accepted_on < undoing.claimed_on
            and not (problem.mistakes or problem.is_void or problem.undoing) and problem.source != "市级反馈"
        )  # fmt: skip
        problem, again_on = problems[at], undoing.again_on
        problems[at] = replace(
            problem, undoing=undoing, closed_on=again_on, rectified_on=again_on, due_on=max(problem.due_on, again_on or problem.due_on),
            claimed_rectified_on=problem.rectified_on if closed_on == undoing.claimed_on else undoing.claimed_on,
        )  # fmt: skip
    for discovery in (one for one in DISCOVERIES if one.unit == unit and one.listed_on):
        at = next(at for at, problem in enumerate(problems) if problem.sent_on == problem.accepted_on == discovery.listed_on)
        problems[at] = replace(problems[at], found_on=discovery.visited_on, source="督导发现", batch=None)
    return problems


def _described(problem: Problem, township: Township | None, officials: list[str], homes: list[Household], rng: Random) -> Problem:
    """The problem with its place, its household, its texts and its leader."""
    levels = ("户", "村") if township else ("部门",)
    if any(mistake.rule == "R07" for mistake in problem.mistakes.values()):
        levels = ("户",)
    text = rng.choice([text for text in lines("problem_texts.csv") if text["level"] in levels])
    home = homes.pop() if text["level"] == "户" else None
    village = rng.choice(township.villages) if township else None
    slots = {"name": home.head if home else "", "village": village, "n": rng.randint(2, 9)}
    # What does not belong into a remark and still stands there; both are masked downstream.
    remarks = {"phone": f"户主电话1990000{rng.randint(0, 9999):04}", "id": f"户口簿证件号{home.id_number}" if home else ""}
    remark = remarks[rng.choice(("phone", "id"))] if home and rng.random() < 0.06 else None
    source = "资金自查" if text["category"] == "资金项目" and problem.source == "第二轮排查" else problem.source
    return replace(
        problem, township=township.name if township else None, village=village, household=home, source=source, category=text["category"],
        batch=None if source == "资金自查" else problem.batch, department=text["department"],
        description=text["description"].format(**slots), measures=text["measures"].format(**slots),
        evidence=f"{text['evidence']}（档案号{problem.problem_no}）", leader=rng.choice(officials), remark=remark,
    )  # fmt: skip
