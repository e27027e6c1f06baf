"""What happens between 22 and 30 June 2020, as tables.

The end is given first (the figures of the half-year summary: 273 problems, 237 rectified; 145 projects, 140 started; the fund
tiers) and the days lead up to it. Every seed tells the same story: it changes names, places, texts and amounts, never a figure.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


def june(day: int) -> date:
    """A day of June 2020."""
    return date(2020, 6, day)


# 25 to 27 June is the Dragon Boat holiday, Sunday the 28th is worked.
DAYS = tuple(june(day) for day in range(22, 31))
FIRST_DAY, LAST_DAY = DAYS[0], DAYS[-1]
CITY_FEEDBACK_DAY = june(24)


@dataclass(frozen=True)
class UnitStory:
    """One sender.

    Attributes:
        prefix: begins its problem numbers.
        progress: (day of June, problems known so far, of these rectified) for each day with a problem ledger, counting what
            the gate accepts; without the problems fed back by the city group, without void ones, and not less for what a
            supervision group undoes (`UNDOINGS`).
        projects: number of projects.
        late_starters: of these, started between 23 and 30 June.
        never_started: of these, not started on 30 June.
        project_days, fund_days: days of June on which these ledgers come too.
        overdue: problems open at the end whose time limit has passed.
        city_closed_on: day of June on which the problem fed back by the city group is closed, 0 if never; None: has none.
        voided_on: day of June on which the office voids a problem of this township; None: none.
        same_day: days on which a problem is found and closed (边查边改).
    """

    prefix: str
    progress: tuple[tuple[int, int, int], ...]
    projects: int
    late_starters: int
    never_started: int
    project_days: tuple[int, ...]
    fund_days: tuple[int, ...]
    overdue: int = 0
    city_closed_on: int | None = None
    voided_on: int | None = None
    same_day: tuple[int, ...] = ()


# 迎风桥镇 and 沙头镇 are level on the 22nd, 大码头街道 and 汽车路街道 on the 30th; 沙头镇 reaches 100 % on the 28th, falls below it
# on the 29th and is back on the 30th;
# 茈湖口镇 says nothing between the 22nd and the 29th; on the 29th 大码头街道 (11/14) and 长春镇 (33/42) have the same rate.
STORIES = {
    "430902102": UnitStory(
        "迎风桥", ((22, 26, 14), (23, 28, 17), (24, 28, 20), (28, 28, 23), (29, 29, 26), (30, 30, 28)),
        16, 1, 0, (22, 30), (24, 30), same_day=(30,),
    ),
    "430902104": UnitStory(
        "沙头", ((22, 26, 14), (23, 27, 19), (24, 27, 23), (28, 27, 27), (30, 28, 28)), 15, 1, 0, (22, 28), (23, 28), same_day=(30,),
    ),
    "430902105": UnitStory("茈湖口", ((22, 30, 12), (29, 33, 24), (30, 34, 29)), 18, 2, 1, (22, 29), (29,), overdue=1),
    "430902106": UnitStory(
        "长春", ((22, 36, 16), (23, 39, 20), (24, 40, 24), (27, 40, 26), (28, 40, 29), (29, 41, 32), (30, 41, 36)),
        24, 1, 0, (22, 24, 30), (24, 28, 30), city_closed_on=29, same_day=(24,),
    ),
    "430902107": UnitStory(
        "新桥河", ((22, 43, 18), (23, 47, 23), (24, 48, 27), (28, 49, 33), (29, 50, 38), (30, 51, 43)),
        30, 2, 2, (22, 23, 29), (23, 24, 29), overdue=3, city_closed_on=30, voided_on=24, same_day=(29,),
    ),
    "430902203": UnitStory(
        "张家塞", ((22, 25, 11), (24, 28, 15), (28, 28, 19), (30, 29, 24)), 15, 0, 1, (22, 30), (24, 28), voided_on=28, same_day=(24,),
    ),
    "430902005": UnitStory("大码头", ((22, 12, 6), (23, 13, 8), (28, 13, 11), (30, 13, 13)), 6, 0, 0, (22, 30), (28, 30), city_closed_on=0),
    "430902006": UnitStory("汽车路", ((22, 12, 7), (24, 13, 9), (29, 13, 12), (30, 13, 13)), 5, 0, 0, (22, 30), (24, 30), city_closed_on=0),
    "430902401": UnitStory("经开区", ((22, 12, 5), (23, 13, 6), (28, 13, 9), (30, 14, 11)), 5, 1, 0, (22, 30), (30,)),
    "430902000": UnitStory(
        "部门", ((22, 14, 3), (23, 15, 4), (24, 15, 5), (28, 15, 7), (29, 16, 8), (30, 16, 10)),
        11, 0, 1, (22, 24, 29), (22, 23, 24, 28, 29),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Receipt:
    """Money the district received (or gave back), in 万元."""

    tier: str
    stage: str
    amount: Decimal
    moved_on: date
    document_no: str


@dataclass(frozen=True)
class Batch:
    """An allocation of one tier to projects, in 万元, and the day the office reports it."""

    tier: str
    amount: Decimal
    moved_on: date
    document_no: str
    reported_on: date


RECEIPTS = (
    Receipt("中央", "下达", Decimal(520), date(2019, 12, 30), "益财农指〔2019〕样88号"),
    Receipt("中央", "下达", Decimal(330), date(2020, 3, 18), "益财农指〔2020〕样12号"),
    Receipt("中央", "收回", Decimal(12), date(2020, 5, 20), "益财农指〔2020〕样31号"),
    Receipt("省级", "下达", Decimal(430), date(2020, 1, 10), "益财农指〔2020〕样2号"),
    Receipt("省级", "下达", Decimal(371), date(2020, 4, 2), "益财农指〔2020〕样17号"),
    Receipt("市级", "下达", Decimal(100), date(2020, 3, 25), "益财农指〔2020〕样14号"),
    Receipt("市级", "下达", Decimal(42), date(2020, 5, 12), "益财农指〔2020〕样28号"),
)
BATCHES = (
    Batch("中央", Decimal(300), date(2020, 2, 28), "资扶领发〔2020〕样1号", june(23)),
    Batch("中央", Decimal(250), date(2020, 3, 30), "资扶领发〔2020〕样3号", june(23)),
    Batch("中央", Decimal(112), date(2020, 5, 15), "资扶领发〔2020〕样6号", june(23)),
    Batch("省级", Decimal(120), date(2020, 3, 10), "资扶领发〔2020〕样2号", june(23)),
    Batch("省级", Decimal(117), date(2020, 5, 8), "资扶领发〔2020〕样5号", june(24)),
    Batch("市级", Decimal(60), date(2020, 4, 20), "资扶领发〔2020〕样4号", june(23)),
    Batch("市级", Decimal(40), june(28), "资扶领发〔2020〕样9号", june(29)),
)
# Projects whose money comes from these tiers; the others are paid by their owners or by donors.
FUNDED = {"中央": 78, "省级": 36, "市级": 18}
# 21 industry projects and 8 employment workshops are figures of the half-year summary.
PROJECT_CATEGORIES = {
    "产业": 21, "就业": 14, "消费": 4, "基础设施": 58, "易地搬迁后扶": 6, "教育": 8, "健康": 8, "危房改造": 16, "金融": 4, "其他": 6,
}  # fmt: skip
WORKSHOPS = 8

# What a supervision group visits on a day of June: townships, the development zone, and with 430902000 a department.
DUPLICATE_REASON = "重复登记"


@dataclass(frozen=True)
class GroupStory:
    """One supervision group.

    Attributes:
        name: as it writes itself.
        prefix: begins its record numbers.
        routes: day of June → units visited, by the last three digits of their codes.
        entered_twice: (day, unit, day on which the second of the two records is withdrawn).
    """

    name: str
    prefix: str
    routes: dict[int, str]
    entered_twice: tuple[int, str, int] | None = None


# Of the townships that were not at zero the evening before, visited: 6 of 9 on the 23rd, 9 of 9 on the 24th, 7 of 9 on the 28th,
# 7 of 8 on the 29th (and 沙头镇, which was at zero, once more), 8 of 9 on the 30th. Before the 22nd nothing is known.
GROUPS = {
    "430902-D1": GroupStory(
        "第一督导组", "督一", {22: "102 104 105", 23: "102 104", 24: "102 104 105", 28: "102 105", 29: "102 104 105", 30: "104 105"},
    ),
    "430902-D2": GroupStory(
        "第二督导组", "DC2", {22: "106 401", 23: "106 203", 24: "106 203 401", 28: "106 203 401", 29: "106 203", 30: "106 203 401"},
        entered_twice=(24, "106", 28),
    ),
    "430902-D3": GroupStory(
        "第三督导组", "3-",
        {22: "107 005", 23: "107 005", 24: "107 005 006 000", 28: "107 006 000", 29: "107 005 006 000", 30: "107 005 006"},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Undoing:
    """A closure that a visit sends back (退回) or finds undone (反弹).

    Attributes:
        claimed_on: report date of the row that said 整改到位. On the day of the visit itself: the problem never counted as rectified.
        again_on: report date of the row that closes it for good; None: it stays open.
    """

    unit: str
    verdict: str
    claimed_on: date
    visited_on: date
    again_on: date | None


UNDOINGS = (
    Undoing("430902107", "退回", june(23), june(24), june(29)),
    Undoing("430902203", "退回", june(24), june(24), None),
    Undoing("430902102", "反弹", june(24), june(28), june(30)),
    Undoing("430902000", "退回", june(28), june(28), june(30)),
    Undoing("430902104", "反弹", june(23), june(29), june(30)),
    Undoing("430902105", "退回", june(30), june(30), None),
)


@dataclass(frozen=True)
class Discovery:
    """Something new that a visit finds (新发现).

    Attributes:
        listed_on: report date of the ledger that takes it up; None: no ledger does by 30 June (`W09`).
        numbered_on: report date of the visit record that names the number it was given.
    """

    unit: str
    visited_on: date
    listed_on: date | None = None
    numbered_on: date | None = None


DISCOVERIES = (Discovery("430902106", june(28), june(29), june(30)), Discovery("430902401", june(30)))
