"""Three made-up districts and what their units send in two to three months, from a seed: as files, and as the oracle's versions.

All three number their problems, visit records, projects and movements from 1, and their townships and villages bear the same names, so
that whatever forgets the district meets a stranger. The rows obey the rules of the ledgers, but for a few about problems that stand with
another township: these are sent on purpose, and must come back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from duban.settings import TIMEZONE
from tests.conftest import Office, csv_bytes, xlsx_bytes
from tests.oracle.funds import MovementVersion
from tests.oracle.projects import ProjectVersion
from tests.oracle.ranking import Campaign, ProblemVersion, Township, VisitVersion, current_problem

Version = ProblemVersion | VisitVersion | MovementVersion | ProjectVersion

NOT_YET = datetime(2000, 1, 1, tzinfo=TIMEZONE)
STATUSES = {
    "open": ("未整改", "否"),
    "in_progress": ("整改中", "推进中"),
    "rectified": ("整改到位", "是", "已销号"),
    "void": ("撤销", "误报"),
}
STEMS, BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
# the cycle of sixty, as every almanac has it
NAMES = [STEMS[number % 10] + BRANCHES[number % 12] for number in range(60)]


@dataclass(frozen=True)
class District:
    """A district with its campaign. The last of its townships is not ranked; the order of print is not that of the codes."""

    code: str
    size: int
    start_on: date
    end_on: date

    @property
    def office(self) -> str:
        """Code of the district office."""
        return f"{self.code}000"

    @property
    def campaign(self) -> Campaign:
        """The campaign in the oracle's words."""
        return Campaign(self.code, self.start_on, self.end_on)

    @property
    def townships(self) -> list[Township]:
        """The townships in the oracle's words."""
        return [Township(f"{self.code}{number:03d}", number < self.size, number * 5 % 53) for number in range(1, self.size + 1)]

    @property
    def divisions(self) -> list[dict[str, str]]:
        """What `make district` takes: in each township a village that all have, and one whose name is its own within the district."""
        return [
            {
                "village_code": f"{unit.code}{number:03d}",
                "village_name": village,
                "township_code": unit.code,
                "township_name": township_name(unit.code),
                "is_ranked": "true" if unit.is_ranked else "false",
                "display_order": str(unit.display_order),
            }
            for unit in self.townships
            for number, village in enumerate(("新村", own_village(unit.code)), start=1)
        ]

    def is_heard(self, day: date) -> bool:
        """Whether files come on a day; for some days beyond the end only late ones do."""
        return self.start_on <= day <= self.end_on + timedelta(days=6)


def township_name(code: str) -> str:
    """Name of a township: the first of every district is 甲子镇."""
    return f"{NAMES[int(code[6:]) - 1]}镇"


def own_village(code: str) -> str:
    """Name of the village that only this township of the district has."""
    return f"{NAMES[int(code[6:]) - 1]}村"


# two begin on the same day: not even the campaign tells their problems apart
LARGE = District("519101", 52, date(2020, 4, 13), date(2020, 6, 11))
SMALL = District("519102", 7, date(2020, 4, 13), date(2020, 6, 5))
LATE = District("519103", 14, date(2020, 5, 2), date(2020, 6, 30))
DISTRICTS = (LARGE, SMALL, LATE)


@dataclass
class Sent:
    """A file: its rows as they stand in it, what the accepted ones say, and how many must come back."""

    unit_code: str
    ledger: str
    report_on: date
    number: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    accepted: list[Version] = field(default_factory=list)
    refused_count: int = 0

    @property
    def file_name(self) -> str:
        """States the report date."""
        return f"{self.number}号{self.report_on:%Y%m%d}.{'xlsx' if self._is_workbook else 'csv'}"

    @property
    def _is_workbook(self) -> bool:
        return self.number % 6 == 0

    def content(self) -> bytes:
        """A workbook, or a CSV in one of two encodings; a remark of its own, because the same bytes again would be a duplicate."""
        columns = list(dict.fromkeys(column for row in self.rows for column in row))
        table = [[*columns, "备注"], *([*(row.get(column, "") for column in columns), f"第{self.number}份"] for row in self.rows)]
        if self._is_workbook:
            return xlsx_bytes({self.ledger: table})
        return csv_bytes(table, "gb18030" if self.number % 3 == 1 else "utf-8")


def problem_row(version: ProblemVersion, status: str | None = None) -> dict[str, str]:
    """The row of a version in 问题台账, less where it belongs; `status` is a word for its status."""
    return {
        "问题编号": version.problem_no,
        "乡镇": "",
        "村(社区)": "",
        "行业部门": "",
        "问题来源": "日常发现",
        "发现日期": version.found_on.isoformat(),
        "问题类别": "住房安全",
        "问题描述": "屋顶漏雨未修",
        "责任领导": "张三",
        "整改时限": version.due_on.isoformat(),
        "整改状态": status or STATUSES[version.status][0],
        "整改措施": "" if version.status == "open" else "限期修缮",
        "完成日期": version.rectified_on.isoformat() if version.rectified_on else "",
        "印证资料": f"照片{version.problem_no}" if version.rectified_on else "",
        "撤销原因": "重复登记" if version.status == "void" else "",
    }


def owner_of(versions: list[ProblemVersion]) -> str | None:
    """Where a problem stands by its latest version, void or not; None: with a department. Of equal report dates the last one counts."""
    return max(enumerate(versions), key=lambda pair: (pair[1].report_on, pair[0]))[1].township_code


def drop(office: Office, files: Iterable[Sent]) -> None:
    """Put files into the inbox, to be judged in the order of their numbers."""
    for sent in files:
        path = office.drop(sent.unit_code, sent.file_name, sent.content())
        os.utime(path, (sent.number, sent.number))


def arrived(office: Office, files: Iterable[Sent]) -> list[Version]:
    """The accepted rows of files with the times of their arrival."""
    lines = office.query("select unit_code, file_name, received_at from ops.submissions")
    times = {(line["unit_code"], line["file_name"]): line["received_at"] for line in lines}
    return [replace(row, received_at=times[sent.unit_code, sent.file_name]) for sent in files for row in sent.accepted]


class Writer:
    """Writes what the units of the districts send, remembering what the system knows by then."""

    def __init__(self, seed: int, districts: Sequence[District] = DISTRICTS):
        self._random = Random(seed)
        self._number = 0
        self._districts = districts
        self._problems: dict[str, dict[str, list[ProblemVersion]]] = {district.code: {} for district in districts}
        self._record_nos: dict[str, list[str]] = {}

    def part(self, first: date, last: date) -> list[Sent]:
        """What arrives within some days, in the order in which a batch is judged: the ledgers day by day, then all visits."""
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        ledgers = [sent for day in days for district in self._districts if district.is_heard(day) for sent in self._ledgers(district, day)]
        visits = [sent for district in self._districts for sent in self._visits(district, [day for day in days if district.is_heard(day)])]
        return ledgers + visits

    def _ledgers(self, district: District, day: date) -> Iterator[Sent]:
        share = 0.06 if district.size > 20 else 0.12
        senders = [unit.code for unit in district.townships if self._random.random() < share]
        if self._random.random() < 0.3:
            senders.append(district.office)
        self._random.shuffle(senders)
        for unit_code in senders:
            sent = self._problem_ledger(district, unit_code, self._report_on(district, day))
            if sent.rows:
                yield sent

    def _visits(self, district: District, days: list[date]) -> Iterator[Sent]:
        for number in (1, 2, 3) if days else ():
            yield self._visit_ledger(district, f"{district.code}-D{number}", self._report_on(district, self._random.choice(days)))

    def money(self, district: District, report_on: date) -> Iterator[Sent]:
        """Projects and movements; a second call corrects or withdraws what the first one said."""
        for position, unit in enumerate(district.townships[:3]):
            yield self._project_ledger(district, unit.code, position, report_on)
        for unit_code in (district.office, *(unit.code for unit in district.townships[:3])):
            yield self._fund_ledger(district, unit_code, report_on)

    def _file(self, unit_code: str, ledger: str, report_on: date) -> Sent:
        self._number += 1
        return Sent(unit_code, ledger, report_on, self._number)

    def _report_on(self, district: District, day: date) -> date:
        late = self._random.choice((1, 1, 2, 3, 5, 12)) if self._random.random() < 0.4 else 0
        return max(district.start_on, day - timedelta(days=late))

    # ── problems ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _problem_ledger(self, district: District, unit_code: str, report_on: date) -> Sent:
        sent = self._file(unit_code, "问题台账", report_on)
        known = self._problems[district.code]
        owners = {problem_no: owner_of(versions) for problem_no, versions in known.items()}
        own = [problem_no for problem_no, owner in owners.items() if unit_code in (owner, district.office)]
        others = [problem_no for problem_no in owners if problem_no not in own]
        new_count = self._random.choice((0, 1, 1, 2))
        for problem_no in self._random.sample(own, min(len(own), self._random.randint(1, 3))):
            version = self._next_version(current_problem(known[problem_no], date.max), owners[problem_no], district, unit_code, report_on)
            self._write_problem(sent, version, owners[problem_no])
        for problem_no in map(str, range(len(known) + 1, len(known) + 1 + new_count)):
            self._write_problem(sent, self._new_problem(problem_no, district, unit_code, report_on), None)
        if others and self._random.random() < 0.1:
            # P11, although a township of another district has a problem of this number
            sent.rows.append(problem_row(self._new_problem(self._random.choice(others), district, unit_code, report_on)))
            sent.refused_count += 1
        for version in sent.accepted:
            known.setdefault(version.problem_no, []).append(version)
        return sent

    def _write_problem(self, sent: Sent, version: ProblemVersion, owner: str | None) -> None:
        cells = problem_row(version, self._random.choice(STATUSES[version.status]))
        if version.is_office and version.township_code is None:
            cells["行业部门"] = "住建局"
        elif version.is_office and version.township_code == owner and self._random.random() < 0.5:
            pass  # a blank 乡镇 keeps the township that the key has
        elif version.is_office and owner is None and self._random.random() < 0.5:
            cells["村(社区)"] = own_village(version.township_code)
        elif version.is_office or self._random.random() < 0.5:
            cells |= {"乡镇": township_name(version.township_code), "村(社区)": self._random.choice(("", "新村"))}
        else:
            cells["村(社区)"] = own_village(version.township_code)
        sent.rows.append(cells)
        sent.accepted.append(version)

    def _new_problem(self, problem_no: str, district: District, unit_code: str, report_on: date) -> ProblemVersion:
        is_office = unit_code == district.office
        owner = self._random.choice([None, *self._some_townships(district)]) if is_office else unit_code
        found_on = self._found_on(district, report_on)
        version = ProblemVersion(
            district_code=district.code,
            problem_no=problem_no,
            township_code=owner,
            unit_code=unit_code,
            is_office=is_office,
            status="open",
            found_on=found_on,
            due_on=found_on + timedelta(days=self._random.choice((0, 3, 10, 30))),
            rectified_on=None,
            report_on=report_on,
            received_at=NOT_YET,
        )
        return self._with_status(version, self._random.choice(("open", "open", "in_progress", "rectified")))

    def _next_version(
        self, before: ProblemVersion, owner: str | None, district: District, unit_code: str, report_on: date
    ) -> ProblemVersion:
        is_office = unit_code == district.office
        if is_office and self._random.random() < 0.35:
            owner = self._random.choice(self._some_townships(district))
        found_on, due_on = before.found_on, before.due_on
        if found_on > report_on or self._random.random() < 0.1:
            found_on = self._found_on(district, report_on)
        if self._random.random() < 0.15:
            due_on += timedelta(days=self._random.choice((-5, 5)))
        version = replace(
            before,
            township_code=owner,
            unit_code=unit_code,
            is_office=is_office,
            found_on=found_on,
            due_on=max(found_on, due_on),
            rectified_on=None,
            report_on=report_on,
        )
        weights = (3, 1, 3, 4) if is_office else (2, 2, 6, 0)
        return self._with_status(version, self._random.choices(tuple(STATUSES), weights=weights)[0])

    def _with_status(self, version: ProblemVersion, status: str) -> ProblemVersion:
        rectified_on = None
        if status == "rectified":
            rectified_on = max(version.found_on, version.report_on - timedelta(days=self._random.choice((0, 0, 1, 2))))
        return replace(version, status=status, rectified_on=rectified_on)

    def _found_on(self, district: District, report_on: date) -> date:
        latest = min(report_on, district.end_on)
        return max(district.start_on, latest - timedelta(days=self._random.choice((0, 0, 1, 2, 4, 15))))

    def _some_townships(self, district: District) -> list[str]:
        return [unit.code for unit in self._random.sample(district.townships, 3)]

    # ── visits ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _visit_ledger(self, district: District, group: str, report_on: date) -> Sent:
        sent = self._file(group, "督导记录", report_on)
        record_nos = self._record_nos.setdefault(group, [])
        again = self._random.sample(record_nos, min(len(record_nos), self._random.choice((0, 1, 2))))
        new_count = self._random.randint(3, 7) * (2 if district.size > 20 else 1)
        new = [str(number) for number in range(len(record_nos) + 1, len(record_nos) + 1 + new_count)]
        for record_no in (*again, *new):
            self._write_visit(sent, district, record_no, withdrawn=record_no in again and self._random.random() < 0.5)
        record_nos += new
        return sent

    def _write_visit(self, sent: Sent, district: District, record_no: str, withdrawn: bool) -> None:
        verdict = self._random.choices(("退回", "反弹", "属实", "新发现", "已巡查"), weights=(4, 4, 2, 1, 1))[0]
        known = self._problems[district.code]
        problem_no = None if verdict in ("新发现", "已巡查") else self._random.choice(list(known))
        place = owner_of(known[problem_no]) if problem_no else self._random.choice(self._some_townships(district))
        visited_on = sent.report_on - timedelta(days=self._random.choice((0, 0, 0, 1, 2, 9)))
        sent.rows.append(
            {
                "记录编号": record_no,
                "督导日期": visited_on.isoformat(),
                "乡镇": township_name(place) if place else "",
                "问题编号": problem_no or "",
                "核查结论": verdict,
                "督导人员": "李四",
                "撤销原因": "记错了" if withdrawn else "",
            }
        )
        sent.accepted.append(
            VisitVersion(district.code, sent.unit_code, record_no, visited_on, problem_no, verdict, sent.report_on, NOT_YET, withdrawn)
        )

    # ── projects and funds ───────────────────────────────────────────────────────────────────────────────────────────

    def _project_ledger(self, district: District, unit_code: str, position: int, report_on: date) -> Sent:
        sent = self._file(unit_code, "项目台账", report_on)
        for number in (2 * position + 1, 2 * position + 2):
            done = self._random.randint(0, 3)
            days = [report_on - timedelta(days=late) if place < done else None for place, late in enumerate((9, 5, 1))]
            named = dict(zip(("实际开工日期", "实际完工日期", "验收日期"), (day.isoformat() if day else "" for day in days), strict=True))
            sent.rows.append({"项目编号": f"XM-{number}", "项目名称": "路灯", "项目类别": "产业", "计划总投资(万元)": "3", **named})
            sent.accepted.append(ProjectVersion(district.code, f"XM-{number}", unit_code, unit_code, False, *days, report_on, NOT_YET))
        return sent

    def _fund_ledger(self, district: District, unit_code: str, report_on: date) -> Sent:
        sent = self._file(unit_code, "资金台账", report_on)
        is_office = unit_code == district.office
        for number in ("1", "2", "3"):
            stage = self._random.choice(("下达", "分配")) if is_office else self._random.choice(("拨付", "支出"))
            amount = Decimal(self._random.randint(1, 10**8)) / 100
            moved_on = report_on - timedelta(days=self._random.choice((0, 1, 8)))
            withdrawn = self._random.random() < 0.2
            sent.rows.append(
                {
                    "流水号": number,
                    "资金层级": "省级",
                    "环节": stage,
                    "金额(元)": f"{amount:.2f}",
                    "发生日期": moved_on.isoformat(),
                    "资金文号": "财〔2020〕1号" if is_office else "",
                    "项目编号": "" if is_office else "XM-1",
                    "撤销原因": "记错了" if withdrawn else "",
                }
            )
            key = (district.code, unit_code, number, moved_on.year, "省级", stage)
            sent.accepted.append(MovementVersion(*key, amount, moved_on, report_on, NOT_YET, withdrawn))
        return sent
