"""The 145 projects: what each is, what pays for it, how far it has come."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from operator import itemgetter
from random import Random
from typing import Any

from local.sample.data import lines
from local.sample.mistakes import PROJECTS, Entry, Mistake, with_mistakes
from local.sample.places import DISTRICT_NAME, Township
from local.sample.spellings import numeral
from local.sample.story import BATCHES, FIRST_DAY, FUNDED, PROJECT_CATEGORIES, STORIES, WORKSHOPS, Batch, june

TIERS = ("中央", "省级", "市级", "区级")
HALF = Decimal("0.5")  # the step of allocations, in 万元
DEPARTMENTS = ("区农业农村局", "区卫健局", "区教育局", "区人社局", "区水利局")


@dataclass(frozen=True)
class Project(Entry):
    """A project as it is on 30 June; money in 万元. `batch` is the allocation that pays for it, None for its owner's own money."""

    project_no: str
    unit: str
    township: str | None
    villages: tuple[str, ...]
    place: str | None
    name: str
    category: str
    content: str
    nature: str
    responsible: str
    batch: Batch | None
    allocated: Decimal
    other: Decimal
    planned_start_on: date
    planned_finish_on: date
    started_on: date | None
    finished_on: date | None
    accepted_on: date | None
    progress: tuple[int, int]
    households: int

    def row(self, day: date) -> dict[str, Any]:
        """The right ledger row of a day: nothing that happens later is in it."""
        started, finished, accepted = (on if on and on <= day else None for on in (self.started_on, self.finished_on, self.accepted_on))
        progress = 100 if finished else self.progress[day > FIRST_DAY] if started else 0
        tiers = {f"{tier}资金": self.allocated if self.batch and self.batch.tier == tier else Decimal(0) for tier in TIERS}
        return {
            "项目编号": self.project_no, "项目名称": self.name, "项目类别": self.category, "建设性质": self.nature,
            "乡镇": self.township, "村(社区)": self.place, "建设内容": self.content, "责任单位": self.responsible,
            "计划总投资": self.allocated + self.other, **tiers, "其他资金": self.other,
            "计划开工日期": self.planned_start_on, "计划完工日期": self.planned_finish_on, "实际开工日期": started,
            "实际完工日期": finished, "验收日期": accepted, "形象进度(%)": progress,
            "受益户数": self.households, "受益人数": self.households * 3 + 1,
            "存在问题": None if started else "征地协调未到位，正在处理", "撤销原因": None, "备注": None,
        }  # fmt: skip


def split(amount: Decimal, count: int, rng: Random) -> list[Decimal]:
    """An amount in `count` uneven parts, multiples of half a 万元, each at least one 万元, that add up to it exactly."""
    steps = [2] * count
    weights = [rng.choice((1, 2, 2, 3, 5)) for _ in range(count)]
    for at in rng.choices(range(count), weights=weights, k=int(amount / HALF) - 2 * count):
        steps[at] += 1
    return [HALF * step for step in steps]


def build_projects(townships: dict[str, Township], rng: Random) -> dict[str, list[Project]]:
    """All projects by the unit that reports them, numbered through the district."""
    count = sum(story.projects for story in STORIES.values())
    grants = _grants(count, rng)
    texts = _texts_for(rng)
    taken: set[str] = set()
    projects: dict[str, list[Project]] = {}
    number = 0
    for unit, story in STORIES.items():
        own = []
        # The first project of a unit is a plain one; those not started stand behind it.
        for at in range(story.projects):
            waiting = 1 <= at <= story.never_started
            late = story.never_started < at <= story.never_started + story.late_starters
            batch, allocated = grants[number]
            own.append(_project(number + 1, unit, townships.get(unit), texts[number], batch, allocated, waiting, late, taken, rng))
            number += 1
        projects[unit] = own[:1] + with_mistakes(unit, PROJECTS, own[1:], _may_spoil, itemgetter(-1))
    return projects


def _may_spoil(project: Project, _: Mistake) -> bool:
    return project.started_on is not None and project.started_on < FIRST_DAY


def _grants(count: int, rng: Random) -> list[tuple[Batch | None, Decimal]]:
    """Per project the allocation that pays for it and the amount; exactly the batches of the story."""
    grants: list[tuple[Batch | None, Decimal]] = []
    for tier, funded in FUNDED.items():
        batches = [batch for batch in BATCHES if batch.tier == tier]
        total = sum(batch.amount for batch in batches)
        sizes = [int(funded * batch.amount / total) for batch in batches]
        sizes[-1] = funded - sum(sizes[:-1])
        for batch, size in zip(batches, sizes, strict=True):
            grants += [(batch, amount) for amount in split(batch.amount, size, rng)]
    grants += [(None, Decimal(0))] * (count - len(grants))
    rng.shuffle(grants)
    return grants


def _texts_for(rng: Random) -> list[dict[str, str]]:
    """One text per project in the numbers of each category, with the workshops among the employment projects."""
    known = lines("project_texts.csv")
    workshop = next(text for text in known if "扶贫车间" in text["name"])
    chosen = [workshop] * WORKSHOPS
    for category, count in PROJECT_CATEGORIES.items():
        choices = [text for text in known if text["category"] == category and text is not workshop]
        chosen += [rng.choice(choices) for _ in range(count - (WORKSHOPS if category == "就业" else 0))]
    rng.shuffle(chosen)
    return chosen


def _project(
    number: int, unit: str, township: Township | None, text: dict[str, str], batch: Batch | None, allocated: Decimal,
    waiting: bool, late: bool, taken: set[str], rng: Random,
) -> Project:  # fmt: skip
    """One project with a name of its own; `waiting` is never started, `late` is started in the days of the story."""
    villages, place, name = _place(township, text["name"], taken, rng)
    slots = {"n": rng.randint(3, 30), "m": rng.randrange(150, 1800, 50)}
    start = date(2020, 2, 24) + timedelta(days=rng.randint(0, 70))
    planned_finish = start + timedelta(days=rng.choice((45, 60, 90, 120, 150)))
    actual = start + timedelta(days=rng.randint(-5, 20))
    finished = accepted = None
    if waiting:
        actual = None
    elif late:
        start, planned_finish, actual = june(15), date(2020, 9, 30), rng.choice((june(23), june(24), june(28)))
    elif rng.random() < 0.45:
        finished = min(actual + timedelta(days=rng.randint(30, 60)), june(28))
        accepted = finished + timedelta(days=rng.randint(5, 12)) if finished < june(15) and rng.random() < 0.7 else None
    before = rng.randint(2, 16) * 5
    head = villages[0] if villages else township.name if township else ""
    owners = {"合作社": f"{head}种养专业合作社", "村委会": head}
    responsible = owners.get(text["responsible"], text["responsible"]) if township else rng.choice(DEPARTMENTS)
    other = Decimal(rng.choice((0, 0, 0, 1, 2, 3))) + Decimal(rng.choice(("0", "0.36")))
    if batch is None:
        other = Decimal(rng.randint(4, 30)) / 2
    return Project(
        f"ZY2020-{number:03}", unit, township.name if township else None, villages, place, name, text["category"],
        text["content"].format(**slots), text["nature"], responsible, batch,
        allocated, other, start, planned_finish, actual, finished, accepted,
        (before, min(95, before + rng.choice((0, 5, 10, 15)))), rng.randint(5, 120),
    )  # fmt: skip


def _place(township: Township | None, pattern: str, taken: set[str], rng: Random) -> tuple[tuple[str, ...], str | None, str]:
    """Villages, the place as the ledger names it, and a project name nobody else has."""
    villages: tuple[str, ...] = ()
    place, head = None, DISTRICT_NAME
    if township and rng.random() < 0.05 and township.name[-1] in "镇乡":
        place, head = f"全{township.name[-1]}", township.name
    elif township:
        villages = tuple(rng.sample(township.villages, rng.choice((1, 1, 1, 1, 2))))
        place, head = "、".join(villages), villages[0]
    first = pattern.format(village=head, n=rng.randint(1, 12)) + "项目"
    name, phase = first, 1
    while name in taken:
        phase += 1
        name = f"{first}（{numeral(phase)}期）"
    taken.add(name)
    return villages, place, name
