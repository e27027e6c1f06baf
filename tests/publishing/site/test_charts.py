"""Pictures: what is drawn, where, and that no text in them becomes markup."""

import re
from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from duban.publishing.site import charts
from duban.publishing.site.figures import TrendDay


def trend(*counts: tuple[int, int, int], holiday: str | None = None, off: tuple[int, ...] = ()) -> list[TrendDay]:
    """Days from 22 June 2020: (open, found, closed) each; ``off`` are the positions without work."""
    return [
        TrendDay(date(2020, 6, 22) + timedelta(position), position not in off, holiday if position in off else None, *count)
        for position, count in enumerate(counts)
    ]


def drawn(picture: str) -> ElementTree.Element:
    """The picture, parsed: an unescaped character or an open element fails here."""
    return ElementTree.fromstring(picture)


def widths(picture: str) -> list[float]:
    return [float(rect.get("width")) for rect in drawn(picture).iter("rect")]


def test_a_bar_is_as_long_as_its_share():
    assert widths(charts.share_bar(237, 273)) == [100, 86.813]
    assert widths(charts.share_bar(Decimal(237), Decimal(801), scale=Decimal(838))) == [95.585, 28.282]


@pytest.mark.parametrize(("amount", "whole", "expected"), [(5, 0, [0, 0]), (-3, 10, [100, 0]), (12, 10, [100, 100])])
def test_a_bar_stays_within_its_width(amount, whole, expected):
    assert widths(charts.share_bar(amount, whole)) == expected


def test_parts_of_a_whole_follow_each_other_without_gap():
    rects = list(drawn(charts.stacked_bar([("a", 1), ("b", 0), ("c", 3)])).iter("rect"))
    assert [(rect.get("class"), float(rect.get("x")), float(rect.get("width"))) for rect in rects] == [
        ("a", 0, 25),
        ("b", 25, 0),
        ("c", 25, 75),
    ]


def test_shades_run_from_the_first_to_the_last_rank():
    assert [charts.heat_level(rank, 8) for rank in range(1, 9)] == [1, 1, 2, 2, 3, 3, 4, 5]
    assert charts.heat_level(1, 1) == 1
    assert [charts.heat_level(rank, 2) for rank in (1, 2)] == [1, 5]


@pytest.mark.parametrize("width", [350, 840])
def test_the_trend_rises_and_falls_with_the_open_problems(width):
    picture = charts.trend_chart(trend((192, 192, 0), (100, 3, 95), (36, 0, 64)), width)
    points = [tuple(map(float, point.split(","))) for point in drawn(picture).find("polyline").get("points").split()]
    (x1, y1), (x2, y2), (x3, y3) = points
    assert 0 < x1 < x2 < x3 < width
    assert y1 < y2 < y3  # fewer open problems: further down
    assert (y3 - y2) / (y2 - y1) == pytest.approx(64 / 92, rel=0.01)
    texts = [text.text for text in drawn(picture).iter("text")]
    assert "192" in texts and "36" in texts and texts[-3:] != texts[:3]
    assert [text for text in texts if re.fullmatch(r"\d/\d+", text)] == ["6/24", "6/23", "6/22"]


def test_the_opening_balance_has_no_bars_so_that_the_others_can_be_seen():
    rects = list(drawn(charts.trend_chart(trend((192, 250, 58), (190, 3, 5)), 350)).iter("rect"))
    found, closed = ([rect for rect in rects if rect.get("class") == name] for name in ("found", "closed"))
    assert len(found) == len(closed) == 1
    assert float(found[0].get("height")) / float(closed[0].get("height")) == pytest.approx(3 / 5, abs=0.01)
    # found stands on the axis, closed hangs from it
    assert float(found[0].get("y")) + float(found[0].get("height")) == pytest.approx(float(closed[0].get("y")), abs=0.11)


def test_runs_of_days_without_work_are_one_shaded_band_with_the_name_of_the_holiday():
    root = drawn(charts.trend_chart(trend(*[(9, 0, 0)] * 9, holiday="端午节", off=(3, 4, 5)), 840))
    bands = [rect for rect in root.iter("rect") if rect.get("class") == "rest"]
    assert len(bands) == 1
    assert float(bands[0].get("width")) == pytest.approx(3 * (840 - charts.LEFT - charts.RIGHT) / 9, abs=0.1)
    assert [text.text for text in root.iter("text")].count("端午节") == 1


@pytest.mark.parametrize("days", [trend((0, 0, 0)), trend((7, 7, 0)), trend(*[(3, 0, 0)] * 366)])
def test_any_length_and_no_problems_at_all_can_be_drawn(days):
    root = drawn(charts.trend_chart(days, 350))
    labels = [text for text in root.iter("text") if text.text and "/" in text.text]
    places = sorted(float(text.get("x")) for text in labels)
    assert all(right - left >= charts.LABEL_WIDTH for left, right in zip(places, places[1:], strict=False))
    assert all(0 <= place <= 350 for place in places)


@pytest.mark.parametrize(
    ("largest", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (10, 10), (11, 20), (36, 40), (192, 200), (273, 400), (1001, 2000)]
)
def test_the_scale_ends_on_a_round_number_that_halves(largest, top):
    assert charts._nice_top(largest) == top


def test_the_trend_has_a_title_and_a_text_and_both_are_named():
    root = drawn(charts.trend_chart(trend((192, 192, 0), (36, 3, 159)), 350))
    names = root.get("aria-labelledby").split()
    assert [root.find("title").get("id"), root.find("desc").get("id")] == names
    assert root.find("desc").text == "6月22日未整改192个，6月23日36个；其间新发现3个，销号159个。"


def test_a_text_in_a_picture_stays_text():
    hostile = "</text><script>"
    picture = charts.trend_chart(trend(*[(9, 0, 0)] * 3, holiday=hostile, off=(1, 2)), 840)
    assert hostile not in picture
    assert hostile in [text.text for text in drawn(picture).iter("text")]
