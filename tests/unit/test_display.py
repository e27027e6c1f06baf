"""Numbers, dates and times as they are printed."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from duban.text import display


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (237, 273, "86.8"),
        (140, 145, "96.6"),
        (662, 838, "79.0"),
        (237, 801, "29.6"),
        (100, 142, "70.4"),
        (999, 1781, "56.1"),
        # exact halves go up; half-even would give 0.0, 12.2 and 50.0
        (1, 2000, "0.1"),
        (49, 400, "12.3"),
        (1001, 2000, "50.1"),
        (Decimal("120.00"), Decimal("100.00"), "120.0"),
        (0, 7, "0.0"),
    ],
)
def test_a_rate_is_rounded_half_up_on_the_exact_ratio(part, whole, expected):
    assert display.half_up_pct(part, whole) == Decimal(expected)


def test_without_a_whole_there_is_no_rate():
    assert display.half_up_pct(3, 0) is None
    assert display.pct(None) == "—"


@pytest.mark.parametrize(
    ("yuan", "expected"),
    [
        ("17810000.00", "1,781"),
        ("3182500.00", "318.25"),
        ("605000.00", "60.5"),
        ("10000000.00", "1,000"),
        ("12345.68", "1.23"),
        ("50.00", "0.01"),
        ("49.99", "0"),
        ("-49.99", "0"),
        ("-205000.00", "-20.5"),
        ("0.00", "0"),
    ],
)
def test_money_is_written_in_wan_with_at_most_two_decimals(yuan, expected):
    assert display.wan(Decimal(yuan)) == expected


def test_dates_and_times_are_written_in_chinese_on_the_clock_of_china():
    assert display.day(date(2020, 6, 4)) == "2020年6月4日"
    assert display.day(None) == "—"
    assert display.short_day(date(2020, 6, 4)) == "6月4日"
    assert display.weekday(date(2020, 6, 28)) == "星期日"
    assert display.moment(datetime(2020, 6, 30, 17, 5, tzinfo=UTC)) == "2020年7月1日 01:05"
