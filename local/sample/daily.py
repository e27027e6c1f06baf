"""The days of the story: who sends which rows in which file."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from local.sample.files import csv_bytes, workbook_bytes
from local.sample.funds import build_movements
from local.sample.mistakes import (
    COPIED_ROW,
    FUNDS,
    HIDDEN_SHEET,
    LACKS_LEADER_COLUMN,
    PROBLEMS,
    PROJECTS,
    SENT_TWICE,
    VISITS,
    Written,
    planted,
    spoiled,
)
from local.sample.people import households, leaders
from local.sample.places import DISTRICT_NAME, OFFICE, read_townships
from local.sample.problems import Problem, build_problems
from local.sample.projects import build_projects
from local.sample.sheets import Sheet, explanation_sheet, ledger_sheet
from local.sample.story import CITY_FEEDBACK_DAY, DAYS, GROUPS, STORIES, june
from local.sample.styles import STYLES, Style
from local.sample.supervision import build_visits

OFFICE_NAME = "资阳区扶贫办"
LEADERS_PER_UNIT = 7
# More than any unit has problems.
HOMES_PER_UNIT = 60
VOID_REASON = "经区级复核，属政策理解偏差，不作为问题"


@dataclass(frozen=True)
class SampleFile:
    """A file to be dropped into the inbox of `unit_code` on `day`."""

    day: date
    unit_code: str
    path: Path


@dataclass
class Sender:
    """A unit, the days of June on which each of its ledgers comes, all its rows, and what it has sent of each so far."""

    unit: str
    name: str
    days: dict[str, tuple[int, ...]]
    items: dict[str, list[Any]]
    sent: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def style(self) -> Style:
        """How this unit writes."""
        return STYLES[self.unit]

    def rows(self, ledger: str, day: date) -> list[dict[str, Any]]:
        """The rows of a ledger on a day: all of them, or those that differ from what was sent before; strays at the end."""
        whole = ledger == PROBLEMS and self.style.whole
        rows: list[dict[str, Any]] = []
        for at, item in enumerate(self.items[ledger]):
            if getattr(item, "sent_on", day) > day:
                continue
            now = item.sent_rows(day)
            if whole or now != self.sent.get((ledger, at)):
                rows += now
            self.sent[ledger, at] = now
        plain = [row for row in rows if not any(isinstance(value, Written) for value in row.values())]
        rows += [row for mistake in planted(self.unit, day, ledger, "stray") for row in spoiled(plain[0], mistake)]
        return rows + plain[:1] if (self.unit, day) == COPIED_ROW and ledger == PROBLEMS else rows


def build_senders(seed: int) -> list[Sender]:
    """The townships and the office with everything they will ever send, for a seed."""
    townships = read_townships()
    homes = households(Random(f"{seed}:homes"), HOMES_PER_UNIT * len(STORIES))
    projects = build_projects(townships, Random(f"{seed}:projects"))
    movements = build_movements(projects, Random(f"{seed}:funds"))
    senders = []
    for turn, (unit, story) in enumerate(STORIES.items()):
        rng = Random(f"{seed}:{unit}:problems")
        own_homes = homes[turn * HOMES_PER_UNIT : (turn + 1) * HOMES_PER_UNIT]
        problems = build_problems(unit, townships.get(unit), leaders(rng, LEADERS_PER_UNIT), own_homes, rng)
        name = townships[unit].name if unit in townships else OFFICE_NAME
        days = {PROBLEMS: tuple(known[0] for known in story.progress), PROJECTS: story.project_days, FUNDS: story.fund_days}
        senders.append(Sender(unit, name, days, {PROBLEMS: problems, PROJECTS: projects[unit], FUNDS: movements[unit]}))
    return senders


def build_groups(senders: list[Sender], seed: int) -> list[Sender]:
    """The supervision groups with all their records about the problems of `senders`."""
    townships = read_townships()
    problems = {sender.unit: sender.items[PROBLEMS] for sender in senders}
    return [
        Sender(
            group, f"{DISTRICT_NAME}{story.name}", {VISITS: tuple(story.routes)},
            {VISITS: build_visits(group, townships, problems, Random(f"{seed}:{group}:visits"))},
        )
        for group, story in GROUPS.items()
    ]  # fmt: skip


def write_sample(out: Path, seed: int = 2020) -> list[SampleFile]:
    """Write the daily files of the sample district to `out/<yyyymmdd>/<unit_code>/<name>`.

    The same seed gives the same bytes; every seed gives the same figures.

    Returns:
        The files in the order of day, unit and name.
    """
    senders = build_senders(seed)
    groups = build_groups(senders, seed)
    files: list[SampleFile] = []
    for day in DAYS:
        for sender in [*senders, *groups]:
            for name, content in _files_of(sender, day, senders, Random(f"{seed}:{sender.unit}:{day}")):
                path = out / f"{day:%Y%m%d}" / sender.unit / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                files.append(SampleFile(day, sender.unit, path))
    return sorted(files, key=lambda file: (file.day, file.unit_code, file.path.name))


def _files_of(sender: Sender, day: date, senders: list[Sender], rng: Random) -> list[tuple[str, bytes]]:
    """Name and bytes of each file that a unit sends on a day; none on a silent day."""
    style = sender.style
    ledgers = {ledger: sender.rows(ledger, day) for ledger, days in sender.days.items() if day.day in days}
    if sender.unit == OFFICE and PROBLEMS in ledgers:
        ledgers[PROBLEMS] += _rows_for_townships(day, senders)
    ledgers = {ledger: rows for ledger, rows in ledgers.items() if rows}
    if not ledgers:
        return []

    def sheets(omit: str | None = None) -> list[Sheet]:
        return [ledger_sheet(ledger, rows, style, sender.unit, sender.name, day, rng, omit) for ledger, rows in ledgers.items()]

    if style.encoding:
        contents = [csv_bytes(sheet, style.encoding) for sheet in sheets()]
        return [(style.file_name.format(day=day, ledger=ledger), content) for ledger, content in zip(ledgers, contents, strict=True)]
    name = style.file_name.format(day=day)
    beside = [explanation_sheet(sender.name)] if style.explains else []
    if (sender.unit, day) == HIDDEN_SHEET:
        old = ledger_sheet(PROBLEMS, ledgers[PROBLEMS][:3], style, sender.unit, sender.name, day, rng)
        old.name, old.hidden = "旧台账备份", True
        beside.append(old)
    files = [(name, workbook_bytes(sheets() + beside))]
    if (sender.unit, day) == LACKS_LEADER_COLUMN:
        files = [(name, workbook_bytes(sheets(omit="责任领导") + beside)), (name.replace(".xlsx", "（更正）.xlsx"), files[0][1])]
    if (sender.unit, day) == SENT_TWICE:
        files.append((f"副本-{name}", files[0][1]))
    return files


def _rows_for_townships(day: date, senders: list[Sender]) -> list[dict[str, Any]]:
    """What the office writes into its own ledger about townships: the city's feedback, and problems it voids."""
    rows: list[dict[str, Any]] = []
    for sender in senders:
        problems: list[Problem] = sender.items[PROBLEMS]
        if day == CITY_FEEDBACK_DAY:
            rows += [problem.row(day) for problem in problems if problem.accepted_on == day and problem.sent_on > day]
        voided_on = STORIES[sender.unit].voided_on
        if voided_on and june(voided_on) == day:
            # The second one names no township: the key keeps the one it has.
            township = sender.name if day == CITY_FEEDBACK_DAY else None
            rows += [problem.void_row(VOID_REASON) | {"乡镇": township} for problem in problems if problem.is_void]
    return rows
