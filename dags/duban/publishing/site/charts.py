"""Pictures of figures as inline SVG: pure functions from data to markup.

Colours come from the classes of ``templates/style.css``, so that one picture serves light, dark and print; positions are SVG attributes,
because the page's Content-Security-Policy forbids style attributes. Every text is escaped here. Bars carry no text of their own: the
number stands beside them on the page, and a screen reader skips them.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import groupby

from markupsafe import Markup, escape

from duban.publishing.display import short_day
from duban.publishing.site.figures import TrendDay

HEAT_LEVELS = 5
# Of the trend, in units of its own width (one unit is one CSS pixel when shown at that width).
LEFT, RIGHT, TOP = 42, 20, 28
OPEN_HEIGHT, GAP, FLOW_HEIGHT, AXIS_HEIGHT = 132, 24, 58, 24
LABEL_WIDTH = 44
ROOM_FOR_NUMBERS = 17


def share_bar(amount: Decimal | int, whole: Decimal | int, scale: Decimal | int | None = None) -> Markup:
    """A bar filled to ``amount``, on a track as long as ``whole``.

    Args:
        amount: What is done. Below zero it is drawn as nothing, beyond ``scale`` as full.
        whole: What there is to do: the length of the track.
        scale: What the full width stands for, when several bars are compared; without it ``whole``.
    """
    full = whole if scale is None else scale
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="track" width="{}" height="8"/><rect class="fill" width="{}" height="8"/></svg>'
    ).format(_share(whole, full), _share(amount, full))


def stacked_bar(counts: Sequence[tuple[str, int]]) -> Markup:
    """Parts of one whole, side by side in the order given: ``(css class, count)``."""
    total = sum(count for _, count in counts)
    parts, before = [], 0
    for css_class, count in counts:
        parts.append(
            Markup('<rect class="{}" x="{}" width="{}" height="8"/>').format(css_class, _share(before, total), _share(count, total))
        )
        before += count
    return Markup(
        '<svg class="bar stacked" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">{}</svg>'
    ).format(Markup().join(parts))


def heat_level(rank: int, last_rank: int) -> int:
    """Shade of a rank: 1 for the first, ``HEAT_LEVELS`` for the last of ``last_rank``, evenly between."""
    if last_rank <= 1:
        return 1
    return 1 + (rank - 1) * (HEAT_LEVELS - 1) // (last_rank - 1)


def trend_chart(days: Sequence[TrendDay], width: int) -> Markup:
    """Open problems day by day, and below them what was found and what was closed.

    The first day is the opening balance: everything known on it counts as found that day, which would dwarf every other bar, so it has
    no bars. Non-working days are shaded.

    Args:
        days: Consecutive days, at least one.
        width: Width of the picture; text keeps its size, so a phone gets a narrower picture and not a smaller one.
    """
    step = (width - LEFT - RIGHT) / len(days)
    open_bottom = TOP + OPEN_HEIGHT
    flow_axis = open_bottom + GAP + FLOW_HEIGHT
    flow_bottom = flow_axis + FLOW_HEIGHT
    centres = [LEFT + step * (position + 0.5) for position in range(len(days))]
    top_value = _nice_top(max(day.open_count for day in days))

    def level(count: int) -> float:
        return open_bottom - OPEN_HEIGHT * count / top_value

    parts = [_shading(days, step, TOP, flow_bottom)]
    for tick in sorted({0, top_value // 2, top_value}):
        parts.append(_line("grid", LEFT, width - RIGHT, level(tick)))
        parts.append(_text("tick end", LEFT - 6, level(tick) + 4, tick))
    parts.append(_open_line(days, centres, level, open_bottom))
    parts.append(_flows(days, centres, step, flow_axis))
    parts.append(_line("axis", LEFT, width - RIGHT, flow_axis))
    parts.append(_text("tick end", LEFT - 6, flow_axis - FLOW_HEIGHT / 2 + 4, "新发现"))
    parts.append(_text("tick end", LEFT - 6, flow_axis + FLOW_HEIGHT / 2 + 4, "销号"))
    every = max(1, -(-LABEL_WIDTH // step))
    for position in range(len(days) - 1, -1, -int(every)):
        day_on = days[position].day_on
        parts.append(_text("tick middle", centres[position], flow_bottom + AXIS_HEIGHT - 8, f"{day_on.month}/{day_on.day}"))

    return Markup(
        '<svg class="trend" viewBox="0 0 {width} {height}" role="img" aria-labelledby="trend-title-{width} trend-text-{width}">'
        '<title id="trend-title-{width}">未整改问题逐日走势</title><desc id="trend-text-{width}">{text}</desc>{parts}</svg>'
    ).format(width=width, height=flow_bottom + AXIS_HEIGHT, text=trend_in_words(days), parts=Markup().join(parts))


def trend_in_words(days: Sequence[TrendDay]) -> str:
    """What the trend shows, in a sentence, for those who cannot see it and as its caption."""
    first, last = days[0], days[-1]
    if len(days) == 1:
        return f"{short_day(first.day_on)}未整改{first.open_count}个。"
    found, closed = sum(day.found_count for day in days[1:]), sum(day.closed_count for day in days[1:])
    return (
        f"{short_day(first.day_on)}未整改{first.open_count}个，{short_day(last.day_on)}{last.open_count}个；"
        f"其间新发现{found}个，销号{closed}个。"
    )


def _shading(days: Sequence[TrendDay], step: float, top: float, bottom: float) -> Markup:
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
            parts.append(_text("tick middle", x + run_width / 2, top - 7, holiday_name))
    return Markup().join(parts)


def _open_line(days: Sequence[TrendDay], centres: Sequence[float], level: Callable[[int], float], bottom: float) -> Markup:
    points = [(x, level(day.open_count)) for x, day in zip(centres, days, strict=True)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [
        Markup('<polygon class="area" points="{:.1f},{} {} {:.1f},{}"/>').format(centres[0], bottom, path, centres[-1], bottom),
        Markup('<polyline class="open" points="{}"/>').format(path),
    ]
    # The two ends carry their number: where it stood, where it stands.
    ends = {0: "middle", len(days) - 1: "middle strong"}
    for position, css_class in ends.items():
        x, y = points[position]
        parts.append(Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(x, y))
        parts.append(_text(f"value {css_class}", x, y - 9, days[position].open_count))
    return Markup().join(parts)


def _flows(days: Sequence[TrendDay], centres: Sequence[float], step: float, axis: float) -> Markup:
    """Found above the axis, closed below it, both on one scale."""
    flows = list(zip(days, centres, strict=True))[1:]
    largest = max((max(day.found_count, day.closed_count) for day, _ in flows), default=0)
    if largest == 0:
        return Markup()
    room = FLOW_HEIGHT - 12  # the numbers stand above and below the bars
    width = min(step * 0.62, 22)
    parts: list[Markup] = []
    for day, x in flows:
        for css_class, count, is_up in (("found", day.found_count, True), ("closed", day.closed_count, False)):
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
                parts.append(_text("tick middle", x, y - 3 if is_up else y + height + 11, count))
    return Markup().join(parts)


def _share(amount: Decimal | int, whole: Decimal | int) -> str:
    """Percent of the width, for a picture: three decimals, between 0 and 100."""
    return f"{min(max(amount / whole, 0), 1) * 100:.3f}" if whole > 0 else "0"


def _nice_top(largest: int) -> int:
    """The end of a scale that holds ``largest`` and halves to a whole number: 2, 4, 6, 8, 10, 20, 40, 60, …"""
    magnitude = 1
    while magnitude * 10 < largest:
        magnitude *= 10
    return next(top for top in (magnitude * leading for leading in (2, 4, 6, 8, 10)) if top >= largest)


def _line(css_class: str, x1: float, x2: float, y: float) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>').format(css_class, x1, x2, y, y)


def _text(css_class: str, x: float, y: float, text: object) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(css_class, x, y, escape(text))
