"""Charts over time as inline SVG: open problems, the rank of a township, the funds of a year. Pure functions from figures to markup."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

from markupsafe import Markup

from duban.publishing.site.drawing import (
    AXIS_HEIGHT,
    LABEL_WIDTH,
    LEFT,
    RIGHT,
    TOP,
    day_labels,
    dot,
    line,
    nice_top,
    picture,
    polyline,
    text,
)
from duban.publishing.site.figures.funds import FundYear
from duban.publishing.site.figures.ranking import CampaignDay
from duban.text.display import YUAN_PER_WAN, day, short_day, wan

OPEN_HEIGHT, GAP, FLOW_HEIGHT = 132, 24, 58
ROOM_FOR_NUMBERS = 17
RANK_HEIGHT = 120
FUNDS_HEIGHT = 180
# Beside the lines of the funds stand their names with the amounts.
NAMES_WIDTH, NAME_HEIGHT = 96, 16
STAGES = {"received_yuan": "下达", "allocated_yuan": "分配", "disbursed_yuan": "拨付", "spent_yuan": "支出"}


def trend_chart(days: Sequence[CampaignDay], width: int) -> Markup:
    """Open problems day by day, and below them what was found and what was closed.

    The first day is the opening balance: everything known on it counts as found that day, which would dwarf every other bar, so it has
    no bars. Non-working days are shaded.

    Args:
        days: Consecutive days, at least one.
        width: Width of the picture.
    """
    step = (width - LEFT - RIGHT) / len(days)
    open_bottom = TOP + OPEN_HEIGHT
    flow_axis = open_bottom + GAP + FLOW_HEIGHT
    flow_bottom = flow_axis + FLOW_HEIGHT
    centres = [LEFT + step * (position + 0.5) for position in range(len(days))]
    top_value = nice_top(max(day.open_count for day in days))

    def level(count: int) -> float:
        return open_bottom - OPEN_HEIGHT * count / top_value

    parts = [_shading(days, step, TOP, flow_bottom)]
    for tick in sorted({0, top_value // 2, top_value}):
        parts.append(line("grid", LEFT, width - RIGHT, level(tick)))
        parts.append(text("tick end", LEFT - 6, level(tick) + 4, tick))
    parts.append(_open_line(days, centres, level, open_bottom))
    parts.append(_flows(days, centres, step, flow_axis))
    parts.append(line("axis", LEFT, width - RIGHT, flow_axis))
    parts.append(text("tick end", LEFT - 6, flow_axis - FLOW_HEIGHT / 2 + 4, "新发现"))
    parts.append(text("tick end", LEFT - 6, flow_axis + FLOW_HEIGHT / 2 + 4, "销号"))
    parts.append(day_labels([day.day_on for day in days], centres, flow_bottom))
    return picture("trend", width, flow_bottom + AXIS_HEIGHT, "未整改问题逐日走势", trend_in_words(days), parts)


def trend_in_words(days: Sequence[CampaignDay]) -> str:
    """What the trend shows, in a sentence, for those who cannot see it and as its caption."""
    first, last = days[0], days[-1]
    if len(days) == 1:
        return f"{short_day(first.day_on)}未整改{first.open_count}个。"
    of_day = f"{short_day(last.day_on)}当日{_changes(days[-1:])}。" if len(days) > 2 else ""
    ends = f"{short_day(first.day_on)}未整改{first.open_count}个，{short_day(last.day_on)}{last.open_count}个"
    return f"{ends}；其间{_changes(days[1:])}。{of_day}"


def _changes(days: Sequence[CampaignDay]) -> str:
    """Everything that made the number of open problems another one."""
    found, reopened, closed, removed = (
        sum(getattr(day, f"{name}_count") for day in days) for name in ("found", "reopened", "closed", "removed")
    )
    return f"新发现{found}个、重新打开{reopened}个，销号{closed}个、撤销{removed}个"


def rank_chart(days: Sequence[CampaignDay], ranks: Sequence[int | None], last_rank: int, width: int) -> Markup:
    """The rank of one township day by day, the first rank on top; the line is broken where it had none.

    Args:
        days: Consecutive days, at least one.
        ranks: Its rank on each of them.
        last_rank: The lowest rank that anybody can have.
        width: Width of the picture.
    """
    step = (width - LEFT - RIGHT) / len(days)
    bottom = TOP + RANK_HEIGHT

    def level(rank: int) -> float:
        return TOP + RANK_HEIGHT * (rank - 1) / max(last_rank - 1, 1)

    parts = [_shading(days, step, TOP, bottom)]
    for rank in sorted({1, (1 + last_rank) // 2, last_rank}):
        parts.append(line("grid", LEFT, width - RIGHT, level(rank)))
        parts.append(text("tick end", LEFT - 6, level(rank) + 4, rank))
    position = 0
    for has_rank, run in groupby(ranks, key=lambda rank: rank is not None):
        stair: list[tuple[float, float]] = []
        for rank, same in groupby(run):
            start, position = position, position + len(list(same))
            if has_rank:  # a rank holds for its whole days
                stair += [(LEFT + step * start, level(rank)), (LEFT + step * position, level(rank))]
        if stair:
            parts.append(polyline("open", stair))
    if ranks[-1] is not None:
        x, y = width - RIGHT, level(ranks[-1])
        parts += [dot(x, y), text("value end strong", x + 4, y - 9, ranks[-1])]
    centres = [LEFT + step * (position + 0.5) for position in range(len(days))]
    parts.append(day_labels([day.day_on for day in days], centres, bottom + 10))
    return picture("rank", width, bottom + 10 + AXIS_HEIGHT, "名次逐日走势", rank_in_words(days, ranks), parts)


def rank_in_words(days: Sequence[CampaignDay], ranks: Sequence[int | None]) -> str:
    """What the chart of ranks shows, in a sentence."""
    had = [(day.day_on, rank) for day, rank in zip(days, ranks, strict=True) if rank is not None]
    if not had:
        return "没有名次。"
    first = f"{short_day(had[0][0])}第{had[0][1]}位"
    if len(had) == 1:
        return f"{first}。"
    best, worst = min(rank for _, rank in had), max(rank for _, rank in had)
    return f"{first}，{short_day(had[-1][0])}第{had[-1][1]}位；其间最高第{best}位，最低第{worst}位。"


def funds_chart(year: FundYear, width: int) -> Markup:
    """Received, allocated, disbursed and spent up to each day of a fund year; an amount stands until the next movement.

    Args:
        year: The fund year, with at least one movement.
        width: Width of the picture.
    """
    development = year.development
    first, last = development[0][0], development[-1][0]
    right, bottom = width - NAMES_WIDTH, TOP + FUNDS_HEIGHT
    step = (right - LEFT) / max((last - first).days, 1)
    top_wan = nice_top(int(max(getattr(sums, stage) for _, sums in development for stage in STAGES) / YUAN_PER_WAN))

    def level(yuan: Decimal) -> float:
        return bottom - FUNDS_HEIGHT * float(max(yuan, Decimal(0)) / YUAN_PER_WAN / top_wan)

    parts: list[Markup] = []
    for tick in sorted({0, top_wan // 2, top_wan}):
        y = level(Decimal(tick * YUAN_PER_WAN))
        parts += [line("grid", LEFT, right, y), text("tick end", LEFT - 6, y + 4, f"{tick:,}")]
    lowest_name = TOP - NAME_HEIGHT
    for stage, name in STAGES.items():
        points = [(LEFT + step * (day_on - first).days, level(getattr(sums, stage))) for day_on, sums in development]
        parts.append(polyline(stage.removesuffix("_yuan"), _steps([*points, (right, points[-1][1])])))
        lowest_name = max(points[-1][1], lowest_name + NAME_HEIGHT)  # names stand below each other, not on each other
        parts.append(text("value", right + 6, lowest_name + 4, f"{name} {wan(getattr(development[-1][1], stage))}"))
    parts.append(_month_labels(first, last, step, bottom))
    return picture(f"funds-{year.fund_year}", width, bottom + AXIS_HEIGHT, "资金累计走势（万元）", funds_in_words(year), parts)


def funds_in_words(year: FundYear) -> str:
    """What the chart of funds shows, in a sentence."""
    (first, _), (last, sums) = year.development[0], year.development[-1]
    amounts = "、".join(f"{name}{wan(getattr(sums, stage))}" for stage, name in STAGES.items())
    return f"{day(first)}至{day(last)}累计{amounts}（万元）。"


def _steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A line that stays level until the next point and then goes straight up or down; points that change nothing are left out."""
    drawn = [points[0]]
    for x, y in points[1:-1]:
        if y != drawn[-1][1]:
            drawn += [(x, drawn[-1][1]), (x, y)]
    return [*drawn, (points[-1][0], drawn[-1][1])]


def _month_labels(first: date, last: date, step: float, bottom: float) -> Markup:
    """The beginnings of months, from the last one back, as many as fit."""
    labels, month = [], last.replace(day=1)
    free = None
    while month >= first:
        x = LEFT + step * (month - first).days
        if free is None or x <= free - LABEL_WIDTH:
            labels.append(text("tick middle", x, bottom + AXIS_HEIGHT - 8, f"{month.month}月"))
            free = x
        month = (month - timedelta(days=1)).replace(day=1)
    return Markup().join(labels)


def _shading(days: Sequence[CampaignDay], step: float, top: float, bottom: float) -> Markup:
    """Bands over runs of non-working days, with the holiday's name where it fits."""
    parts: list[Markup] = []
    for (is_working_day, holiday_name), run in groupby(enumerate(days), key=lambda item: (item[1].is_working_day, item[1].holiday_name)):
        if is_working_day:
            continue
        positions = [position for position, _ in run]
        x, run_width = LEFT + step * positions[0], step * len(positions)
        parts.append(
            Markup('<rect class="rest" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>').format(x, top - 20, run_width, bottom - top + 20)
        )
        if holiday_name and run_width >= 11 * len(holiday_name):
            parts.append(text("tick middle", x + run_width / 2, top - 7, holiday_name))
    return Markup().join(parts)


def _open_line(days: Sequence[CampaignDay], centres: Sequence[float], level: Callable[[int], float], bottom: float) -> Markup:
    points = [(x, level(day.open_count)) for x, day in zip(centres, days, strict=True)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [
        Markup('<polygon class="area" points="{:.1f},{} {} {:.1f},{}"/>').format(centres[0], bottom, path, centres[-1], bottom),
        polyline("open", points),
    ]
    # The two ends carry their number: where it stood, where it stands.
    ends = {0: "middle", len(days) - 1: "middle strong"}
    for position, css_class in ends.items():
        x, y = points[position]
        parts += [dot(x, y), text(f"value {css_class}", x, y - 9, days[position].open_count)]
    return Markup().join(parts)


def _flows(days: Sequence[CampaignDay], centres: Sequence[float], step: float, axis: float) -> Markup:
    """Found above the axis, closed below it, both on one scale."""
    flows = list(zip(days, centres, strict=True))[1:]
    largest = max((max(flow.found_count, flow.closed_count) for flow, _ in flows), default=0)
    if largest == 0:
        return Markup()
    room = FLOW_HEIGHT - 12  # the numbers stand above and below the bars
    width = min(step * 0.62, 22)
    parts: list[Markup] = []
    for flow, x in flows:
        for css_class, count, is_up in (("found", flow.found_count, True), ("closed", flow.closed_count, False)):
            if count == 0:
                continue
            height = max(1.0, room * count / largest)
            y = axis - height if is_up else axis
            parts.append(
                Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                    css_class, x - width / 2, y, width, height
                )
            )
            if step >= ROOM_FOR_NUMBERS:
                parts.append(text("tick middle", x, y - 3 if is_up else y + height + 11, count))
    return Markup().join(parts)
