"""How numbers, dates and times are written in Chinese publications.

Every printed percentage and amount passes through here, so that page and document write the same figure the same way. Halves round up,
as offices do: Python's ``round`` goes to the even neighbour and would print 56.0 for 56.05.
"""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from duban.settings import TIMEZONE

NOTHING = "—"
YUAN_PER_WAN = 10_000
WEEKDAYS = "一二三四五六日"


def half_up_pct(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """``part`` of ``whole`` in percent with one decimal, half up; None when there is no whole to take a part of."""
    if whole == 0:
        return None
    return (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def pct(value: Decimal | None) -> str:
    """``86.8%``; a dash when there is no base."""
    return NOTHING if value is None else f"{value:.1f}%"


def wan(yuan: Decimal) -> str:
    """Yuan written in 万元 (without the unit) with at most two decimals: ``1,781``, ``318.25``."""
    amount = (yuan / YUAN_PER_WAN).quantize(Decimal("0.01"), ROUND_HALF_UP)
    whole, _, decimals = f"{amount:,.2f}".partition(".")
    decimals = decimals.rstrip("0")
    written = f"{whole}.{decimals}" if decimals else whole
    return "0" if written == "-0" else written


def day(value: date | None) -> str:
    """``2020年6月30日``."""
    return NOTHING if value is None else f"{value.year}年{value.month}月{value.day}日"


def short_day(value: date) -> str:
    """``6月30日``."""
    return f"{value.month}月{value.day}日"


def weekday(value: date) -> str:
    """``星期二``."""
    return f"星期{WEEKDAYS[value.weekday()]}"


def moment(value: datetime | None) -> str:
    """``2020年6月30日 17:30``, on the clock of China whatever zone the value carries."""
    if value is None:
        return NOTHING
    local = value.astimezone(TIMEZONE)
    return f"{day(local.date())} {local:%H:%M}"
