"""Figures of a small district, made by hand, with everything a page can show; and a reader of pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

from duban.publishing.site.figures import Build, District, DistrictFigures, Figures
from duban.publishing.site.figures.funds import FundFinding, Funds, FundTier, FundYear, TownshipFunds, together
from duban.publishing.site.figures.issues import Document, Issue, Issues
from duban.publishing.site.figures.problems import OpenProblem
from duban.publishing.site.figures.projects import Project, Projects, ProjectWeek, StageCounts
from duban.publishing.site.figures.quality import BrokenRule, Clash, Quality, QualityDay, QualityUnit, SentFile
from duban.publishing.site.figures.ranking import CampaignDay, Ranking, RankingLine, RankReason, UnitDay
from duban.publishing.site.pages import render_pages
from duban.text.display import half_up_pct

DAY = date(2020, 6, 30)
READ_AT = datetime(2020, 6, 30, 9, 31, tzinfo=UTC)
BUILD = Build(datetime(2020, 6, 30, 9, 30, tzinfo=UTC), READ_AT, None)
# 25 to 27 June 2020 were off, Sunday the 28th was worked.
DAYS = tuple(date(2020, 6, 24) + timedelta(number) for number in range(7))
OFF = {date(2020, 6, 25): "端午", date(2020, 6, 26): "端午", date(2020, 6, 27): "端午"}


def line(code: str, name: str, rank: int | None, previous: int | None, assigned: int, rectified: int, **changes: Any) -> RankingLine:
    return replace(
        RankingLine(
            township_code=code,
            township_name=name,
            is_ranked=True,
            is_office=False,
            display_order=int(code[-3:]),
            rank=rank,
            previous_rank=previous,
            assigned_count=assigned,
            rectified_count=rectified,
            open_count=assigned - rectified,
            overdue_count=0,
            reopened_count=0,
            oldest_open_workdays=0,
            rectified_pct=half_up_pct(rectified, assigned),
            is_reported=True,
        ),
        **changes,
    )


LINES = (
    line("430902104", "沙头镇", 1, 3, 28, 27),
    line("430902106", "长春镇", 2, 2, 29, 26, is_reported=False, overdue_count=2),
    line("430902107", "新桥河镇", 2, 1, 29, 26),
    line("430902203", "张家塞乡", 4, None, 30, 20, oldest_open_workdays=45, reopened_count=1),
    line("430902102", "迎风桥镇", None, None, 0, 0),
    line("430902401", "长春经济开发区", None, None, 9, 7, is_ranked=False),
    line("430902000", "区直部门", None, None, 8, 4, is_ranked=False, is_office=True, is_reported=False, display_order=999),
)


def reason(code: str, ahead: str | None, *deciding: Any, needed: int | None = None) -> RankReason:
    """`deciding`: place, indicator, own score as a fraction, the score ahead as a fraction."""
    place, indicator, own, other = deciding or (None, None, (None, None), (None, None))
    scores = [None if number is None else Decimal(number) for number in (*own, *other)]
    return RankReason(code, ahead, place, indicator, *scores, needed)


REASONS = {
    "430902104": reason("430902104", None),
    "430902106": reason("430902106", "430902104", 1, "progress", (26, 29), (27, 28), needed=2),
    "430902107": reason("430902107", "430902104", 1, "progress", (26, 29), (27, 28), needed=2),
    "430902203": reason("430902203", "430902106", 1, "progress", (20, 30), (26, 29), needed=7),
}


def unit_day(of: RankingLine, day: date) -> UnitDay:
    """A unit some days before its line: one rectified problem less for each day; the first two townships have changed places."""
    back = (DAY - day).days
    rectified = max(of.rectified_count - back, 0)
    rank = {1: 2, 2: 1}.get(of.rank, of.rank) if back else of.rank
    return UnitDay(
        rank,
        half_up_pct(rectified, of.assigned_count),
        of.assigned_count,
        rectified,
        of.overdue_count,
        of.reopened_count,
        max(of.oldest_open_workdays - back, 0),
        of.is_reported and day not in OFF,
    )


UNITS = {of.township_code: {day: unit_day(of, day) for day in DAYS} for of in LINES}


def campaign_day(day: date, found: int = 1, closed: int = 7) -> CampaignDay:
    units = [of[day] for of in UNITS.values()]
    assigned = sum(unit.assigned_count for unit in units)
    opened = assigned - sum(unit.rectified_count for unit in units)
    return CampaignDay(day, day not in OFF, OFF.get(day), assigned, opened, found, closed)


RANKING = Ranking(
    ranked_on=DAY,
    first_data_on=DAYS[0],
    previous_on=date(2020, 6, 29),
    is_working_day=True,
    rule_code="ZY-2020-R1",
    rule_wording="先比整改率，相同再依次比未整改、超期、退回反弹的个数。",
    lines=LINES,
    reasons=REASONS,
    days=tuple(map(campaign_day, DAYS)),
    units=UNITS,
)


def tier(name: str, received: int, allocated: int, disbursed: int = 0, spent: int = 0) -> FundTier:
    """Amounts in 万元."""
    yuan = [Decimal(wan) * 10_000 for wan in (received, allocated, disbursed, spent)]
    return FundTier(name, *yuan, half_up_pct(yuan[1], yuan[0]), half_up_pct(yuan[3], yuan[0]))


def fund_year(*tiers: FundTier, year: int = 2020, day_on: date = DAY) -> FundYear:
    before = together([tier("中央", 500, 0)])
    return FundYear(year, day_on, tiers, ((date(2020, 1, 10), before), (day_on, together(tiers))))


def project(number: int, **changes: Any) -> Project:
    return replace(
        Project(
            project_no=f"ZY-{number}",
            project_name="通组公路硬化",
            category="基础设施",
            township_code="430902104",
            township_name="沙头镇",
            place="友谊村",
            planned_yuan=Decimal("431900.00"),
            planned_start_on=None,
            planned_finish_on=None,
            progress_pct=Decimal("50.000000"),
            stage="started",
        ),
        **changes,
    )


PROJECTS = Projects(
    projects=(
        project(1, stage="not_started", planned_start_on=date(2020, 5, 10), planned_finish_on=date(2020, 6, 20), progress_pct=None),
        project(2, stage="not_started", planned_start_on=date(2020, 7, 1), project_name="村卫生室", category="健康"),
        project(3, planned_finish_on=date(2020, 6, 29), project_name="机耕路", progress_pct=Decimal("80")),
        project(4, progress_pct=Decimal("100")),
        project(5, stage="finished", planned_finish_on=date(2020, 1, 1)),
        *(project(number, stage="accepted", township_code="430902107", township_name="新桥河镇") for number in (6, 7, 8)),
    ),
    as_of=DAY,
    weeks=(ProjectWeek(date(2020, 7, 5), StageCounts(2, 2, 1, 3)), ProjectWeek(date(2020, 6, 28), StageCounts(4, 1, 1, 2))),
)


def problem(number: str, due_on: date, **changes: Any) -> OpenProblem:
    return replace(
        OpenProblem(
            township_code="430902203",
            problem_no=number,
            village_name="合兴村",
            category="住房安全",
            description="屋顶漏雨未修",
            leader_name="龚新初",
            due_on=due_on,
            overdue_days=(DAY - due_on).days,
            is_overdue=due_on < DAY,
            is_reopened=False,
            is_found=False,
            status="open",
        ),
        **changes,
    )


PROBLEMS = {
    "430902203": (
        problem("张家塞-001", date(2020, 6, 23), status="in_progress"),
        problem("张家塞-002", DAY, is_reopened=True, status="rectified"),
        problem("张家塞-003", date(2020, 7, 20), is_found=True, village_name=None),
    )
}

RULES = (BrokenRule("R02", "问题台账", "不是有效的日期", 2, 3, READ_AT), BrokenRule("S01", "", "文件无法读取", 1, 0, READ_AT))
QUALITY = Quality(
    days=(QualityDay(6, 2, 0, 1, 216, 3, report_on=DAY), QualityDay(0, 0, 1, 0, 0, 0, report_on=None)),
    units=(
        QualityUnit(5, 2, 0, 1, 200, 2, unit_code="430902104", unit_name="沙头镇", has_page=True),
        QualityUnit(1, 0, 1, 0, 16, 1, unit_code="430902-D1", unit_name="第1督导组", has_page=False),
    ),
    rules=RULES,
)
SENT_FILES = {"430902203": (SentFile("430902203", "张家塞0630.xlsx", READ_AT, DAY, "accepted_with_rejections", 30, 2),)}


def issue(
    number: int,
    day: date,
    series: str = "daily",
    *,
    corrects: int | None = None,
    corrected_by: int | None = None,
    period_start: date | None = None,
) -> Issue:
    identity = f"430902-{series}-2020-{number}"
    documents = tuple(Document(identity, f"第{number}期{suffix}", 1000) for suffix in (".html", ".docx", ".xlsx"))
    manifest = (Document(identity, "manifest.json", 10),)
    return Issue(identity, series, 2020, number, day, period_start or day, READ_AT, corrects, corrected_by, documents + manifest, ())


ISSUES = Issues(
    (
        issue(3, date(2020, 6, 29), corrects=1),
        issue(2, DAY),
        issue(1, date(2020, 6, 29), corrected_by=3),
        issue(1, date(2020, 6, 28), "weekly", period_start=date(2020, 6, 22)),
    )
)

SAMPLE = DistrictFigures(
    district=District("430902", "资阳区", "合成样例数据", "internal", 9, READ_AT, DAY),
    ranking=RANKING,
    problems=PROBLEMS,
    funds=Funds(
        years=(fund_year(tier("中央", 838, 662), tier("省级", 801, 237), tier("市级", 142, 100)),),
        findings=(FundFinding("W04", DAY, "2020年省级资金：项目台账合计 240 万元，资金台账分配 237 万元"),),
        townships={"430902203": TownshipFunds("430902203", 2020, Decimal("900000"), Decimal("342100"))},
    ),
    projects=PROJECTS,
    quality=QUALITY,
    clashes=(Clash(DAY, "问题编号 沙-7 由沙头镇报送在先，张家塞乡也用它报送", ("430902104", "430902203")),),
    sent_files=SENT_FILES,
    issues=ISSUES,
)
OTHER = replace(SAMPLE, district=replace(SAMPLE.district, district_code="430903", district_name="赫山区", data_label=None))
NOTHING = {
    "ranking": None,
    "problems": {},
    "funds": Funds((), (), {}),
    "projects": Projects((), DAY, ()),
    "quality": None,
    "sent_files": None,
    "issues": Issues(()),
}
FUNDS_ONLY = DistrictFigures(
    **{
        **NOTHING,
        "district": District("430511", "北塔区", None, "internal", 1, READ_AT, date(2019, 12, 31)),
        "funds": Funds((fund_year(tier("中央", 0, 361), day_on=date(2019, 12, 27)),), (), {}),
        "quality": Quality((QualityDay(1, 0, 0, 0, 13, 0, report_on=date(2019, 12, 31)),), (), ()),
    }
)


def figures(*districts: DistrictFigures, file_count: int = 0, is_withheld: bool = False, build: Build = BUILD) -> Figures:
    return Figures(READ_AT, build, file_count, is_withheld, districts)


def rendered(*districts: DistrictFigures, **changes: Any) -> dict[str, Page]:
    """The pages of districts, parsed."""
    return {name: Page(source) for name, source in render_pages(figures(*districts, **changes)).items()}


HOSTILE = [
    "<script>0</script>",
    "{{7*7}}",
    '"><i title=x>',
    "' title='x",
    "javascript:0",
    "https://evil.example/x",
    "</style><style>*{display:none}",
    "</script><script>0</script>",
    "<!--<script>",
    "]]>\u2028\u202e",
]


def hostile(text: str) -> DistrictFigures:
    """A district in which everything that can be somebody's text is ``text``."""
    lines = tuple(replace(one, township_name=text) for one in LINES)
    days = tuple(replace(day, holiday_name=text if day.holiday_name else None) for day in RANKING.days)
    strange = {"project_name": text, "project_no": text, "category": text, "township_name": text, "place": text}
    return replace(
        SAMPLE,
        district=replace(SAMPLE.district, district_name=text, data_label=text),
        ranking=replace(RANKING, lines=lines, days=days, rule_code=text, rule_wording=text),
        problems={
            code: tuple(
                replace(one, problem_no=text, village_name=text, category=text, description=text, leader_name=text) for one in found
            )
            for code, found in PROBLEMS.items()
        },
        funds=replace(
            SAMPLE.funds,
            years=(fund_year(tier(text, 10, 5), tier("市级", 10, 9)),),
            findings=tuple(replace(finding, text=text) for finding in SAMPLE.funds.findings),
        ),
        projects=replace(
            SAMPLE.projects, projects=tuple(replace(one, **{**strange, "progress_pct": None}) for one in SAMPLE.projects.projects)
        ),
        quality=replace(
            QUALITY,
            rules=(replace(QUALITY.rules[0], rule_id=text, ledger=text, reason=text),),
            units=tuple(replace(unit, unit_name=text) for unit in QUALITY.units),
        ),
        sent_files={code: tuple(replace(file, file_name=text) for file in files) for code, files in SENT_FILES.items()},
    )


VOID = {"meta", "br", "hr", "img", "input", "link", "base"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; fails on elements that are closed out of order."""

    def __init__(self, source: str):
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.style = ""
        self.scripts: list[tuple[str | None, str]] = []  # type and content
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs).get("type"), ""))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "style":
            self.style += data
        elif self._open and self._open[-1] == "script":
            kind, content = self.scripts[-1]
            self.scripts[-1] = kind, content + data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, tag: str, name: str) -> list[str]:
        return [attrs[name] for element, attrs in self.elements if element == tag and name in attrs]

    @property
    def policy(self) -> str:
        return next(attrs["content"] for _, attrs in self.elements if attrs.get("http-equiv") == "Content-Security-Policy")
