"""The money: what the district received and allocated (the office reports it), what the projects' owners paid out and spent."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from local.sample.mistakes import FUNDS, Entry, Mistake, with_mistakes
from local.sample.places import OFFICE
from local.sample.projects import Project
from local.sample.story import BATCHES, FIRST_DAY, RECEIPTS, STORIES, june

FUND_YEAR = 2020
FUND_NAME = "财政专项扶贫资金"
FEN = Decimal("0.01")


@dataclass(frozen=True)
class Movement(Entry):
    """One movement in 万元; a mistaken first sending is corrected with the unit's next fund ledger."""

    movement_no: str
    tier: str
    stage: str
    amount: Decimal
    moved_on: date
    sent_on: date
    document_no: str | None = None
    project_no: str | None = None
    township: str | None = None
    village: str | None = None

    def row(self, day: date) -> dict[str, Any]:
        """The right ledger row, the same on every day."""
        return {
            "流水号": self.movement_no, "资金年度": FUND_YEAR, "资金文号": self.document_no, "资金层级": self.tier, "资金名称": FUND_NAME,
            "环节": self.stage, "金额": self.amount, "发生日期": self.moved_on, "项目编号": self.project_no,
            "乡镇": self.township, "村(社区)": self.village, "撤销原因": None, "备注": None,
        }  # fmt: skip


def build_movements(projects: dict[str, list[Project]], rng: Random) -> dict[str, list[Movement]]:
    """All movements by the unit that reports them.

    On every day, per tier: received ≥ allocated ≥ disbursed ≥ spent, because each project pays out after its allocation and no more.
    """
    office = _received_and_allocated([project for own in projects.values() for project in own])
    movements = {unit: _paid_out(unit, own, rng) for unit, own in projects.items()}
    movements[OFFICE] = office + movements[OFFICE]

    def may_spoil(movement: Movement, mistake: Mistake) -> bool:
        return (movement.sent_on, movement.stage) == (mistake.day, "分配" if mistake.unit == OFFICE else "拨付")

    return {unit: with_mistakes(unit, FUNDS, own, may_spoil, rng.choice) for unit, own in movements.items()}


def _received_and_allocated(projects: list[Project]) -> list[Movement]:
    """The office's own movements: the receipts of the story, then each batch, one movement per project."""
    movements = [
        Movement(f"XD2020-{number:03}", receipt.tier, receipt.stage, receipt.amount, receipt.moved_on, FIRST_DAY, receipt.document_no)
        for number, receipt in enumerate(RECEIPTS, start=1)
    ]
    allocations = [(batch, project) for batch in BATCHES for project in projects if project.batch == batch]
    for number, (batch, project) in enumerate(allocations, start=1):
        paid = (batch.tier, "分配", project.allocated, batch.moved_on, batch.reported_on, batch.document_no)
        movements.append(Movement(f"FP2020-{number:03}", *paid, project.project_no, project.township))
    return movements


def _paid_out(unit: str, projects: list[Project], rng: Random) -> list[Movement]:
    """拨付 and 支出 of the projects that one unit answers for, spread over its fund ledgers."""
    days = [june(day) for day in STORIES[unit].fund_days if unit != OFFICE or day == STORIES[unit].fund_days[-1]]
    paying = [
        project for project in projects
        if project.batch and project.started_on and max(project.started_on, project.batch.moved_on) < FIRST_DAY
    ]  # fmt: skip
    if len(paying) > 8:
        paying = [project for project in paying if rng.random() < 0.65]
    movements: list[Movement] = []
    for turn, project in enumerate(paying):
        sent_on = days[turn % len(days)]
        first = max(project.started_on, project.batch.moved_on)
        disbursed_on = first + timedelta(days=rng.randint(1, (sent_on - first).days))
        disbursed = (project.allocated * rng.choice((40, 60, 80, 100)) / 100).quantize(FEN)
        village = project.villages[0] if len(project.villages) == 1 else None
        steps = [("拨付", disbursed, disbursed_on)]
        if rng.random() < 0.6:
            spent = (disbursed * rng.choice((50, 70, 90, 100)) / 100).quantize(FEN)
            steps.append(("支出", spent, disbursed_on + timedelta(days=rng.randint(0, (sent_on - disbursed_on).days))))
        for stage, amount, moved_on in steps:
            number = f"{STORIES[unit].prefix}ZJ-{len(movements) + 1:02}"
            movements.append(
                Movement(number, project.batch.tier, stage, amount, moved_on, sent_on, None, project.project_no, project.township, village)
            )
    return movements
