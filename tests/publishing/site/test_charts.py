"""Pictures: what is drawn, where, and that no text in them becomes markup."""

import re
from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from duban.publishing.site import bars, charts, drawing
from duban.publishing.site.figures.funds import FundYear, together
from duban.publishing.site.figures.ranking import CampaignDay
from tests.publishing.site.made_up import tier


def trend(*counts: tuple[int, int, int], holiday: str | None = None, off: tuple[int, ...] = ()) -> list[CampaignDay]:
    """Days from 22 June 2020: (open, found, closed) each; ``off`` are the positions without work."""
    return [
        CampaignDay(date(2020, 6, 22) + timedelta(position), position not in off, holiday if position in off else None, 500, *count)
        for position, count in enumerate(counts)
    ]


def points(polyline: ElementTree.Element) -> list[tuple[float, ...]]:
    return [tuple(map(float, point.split(","))) for point in polyline.get("points").split()]


def drawn(picture: str) -> ElementTree.Element:
    """The picture, parsed: an unescaped character or an open element fails here."""
    return ElementTree.fromstring(picture)


def widths(picture: str) -> list[float]:
    return [float(rect.get("width")) for rect in drawn(picture).iter("rect")]


def test_a_bar_is_as_long_as_its_share():
    assert widths(bars.share_bar(237, 273)) == [100, 86.813]
    assert widths(bars.share_bar(Decimal(237), Decimal(801), scale=Decimal(838))) == [95.585, 28.282]


@pytest.mark.parametrize(("amount", "whole", "expected"), [(5, 0, [0, 0]), (-3, 10, [100, 0]), (12, 10, [100, 100])])
def test_a_bar_stays_within_its_width(amount, whole, expected):
    assert widths(bars.share_bar(amount, whole)) == expected


def test_parts_of_a_whole_follow_each_other_without_gap():
    rects = list(drawn(bars.stacked_bar([("a", 1), ("b", 0), ("c", 3)])).iter("rect"))
    assert [(rect.get("class"), float(rect.get("x")), float(rect.get("width"))) for rect in rects] == [
        ("a", 0, 25),
        ("b", 25, 0),
        ("c", 25, 75),
    ]


def test_parts_may_be_drawn_as_their_share_of_a_larger_whole():
    assert widths(bars.stacked_bar([("a", 1), ("b", 1)], whole=8)) == [12.5, 12.5]


def test_shades_run_from_the_first_to_the_last_rank():
    assert [bars.heat_level(rank, 8) for rank in range(1, 9)] == [1, 1, 2, 2, 3, 3, 4, 5]
    assert bars.heat_level(1, 1) == 1
    assert [bars.heat_level(rank, 2) for rank in (1, 2)] == [1, 5]


@pytest.mark.parametrize("width", [350, 840])
def test_the_trend_rises_and_falls_with_the_open_problems(width):
    picture = charts.trend_chart(trend((192, 192, 0), (100, 3, 95), (36, 0, 64)), width)
    (x1, y1), (x2, y2), (x3, y3) = points(drawn(picture).find("polyline"))
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
    assert float(bands[0].get("width")) == pytest.approx(3 * (840 - drawing.LEFT - drawing.RIGHT) / 9, abs=0.1)
    assert [text.text for text in root.iter("text")].count("端午节") == 1


@pytest.mark.parametrize("days", [trend((0, 0, 0)), trend((7, 7, 0)), trend(*[(3, 0, 0)] * 366)])
def test_any_length_and_no_problems_at_all_can_be_drawn(days):
    root = drawn(charts.trend_chart(days, 350))
    labels = [text for text in root.iter("text") if text.text and "/" in text.text]
    places = sorted(float(text.get("x")) for text in labels)
    assert all(right - left >= drawing.LABEL_WIDTH for left, right in zip(places, places[1:], strict=False))
    assert all(0 <= place <= 350 for place in places)


@pytest.mark.parametrize(
    ("largest", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (10, 10), (11, 20), (36, 40), (192, 200), (273, 400), (1001, 2000)]
)
def test_the_scale_ends_on_a_round_number_that_halves(largest, top):
    assert drawing.nice_top(largest) == top


def test_the_trend_has_a_title_and_a_text_and_both_are_named():
    root = drawn(charts.trend_chart(trend((192, 192, 0), (36, 3, 159)), 350))
    names = root.get("aria-labelledby").split()
    assert [root.find("title").get("id"), root.find("desc").get("id")] == names
    assert root.find("desc").text == "6月22日未整改192个，6月23日36个；其间新发现3个、重新打开0个，销号159个、撤销0个。"


def test_a_text_in_a_picture_stays_text():
    hostile = "</text><script>"
    picture = charts.trend_chart(trend(*[(9, 0, 0)] * 3, holiday=hostile, off=(1, 2)), 840)
    assert hostile not in picture
    assert hostile in [text.text for text in drawn(picture).iter("text")]


# ── ranks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("width", [350, 840])
def test_a_rank_holds_for_its_whole_day_and_the_first_stands_on_top(width):
    root = drawn(charts.rank_chart(trend(*[(9, 0, 0)] * 4), [3, 3, 1, 2], 5, width))
    step = (width - drawing.LEFT - drawing.RIGHT) / 4
    xs = [round(drawing.LEFT + step * number, 1) for number in range(5)]
    top, bottom = drawing.TOP, drawing.TOP + charts.RANK_HEIGHT
    third, second = top + (bottom - top) / 2, top + (bottom - top) / 4
    [line] = root.findall("polyline")
    expected = [(xs[0], third), (xs[2], third), (xs[2], top), (xs[3], top), (xs[3], second), (xs[4], second)]
    assert [tuple(pytest.approx(value, abs=0.11) for value in point) for point in expected] == points(line)
    assert root.find("desc").text == "6月22日第3位，6月25日第2位；其间最高第1位，最低第3位。"


def test_where_there_was_no_rank_the_line_is_broken():
    root = drawn(charts.rank_chart(trend(*[(9, 0, 0)] * 5), [1, None, None, 2, None], 2, 350))
    assert len(root.findall("polyline")) == 2
    assert root.findall("circle") == []  # and none at the end
    assert root.find("desc").text == "6月22日第1位，6月25日第2位；其间最高第1位，最低第2位。"


def test_ranks_of_one_day_of_no_day_and_of_one_unit_alone():
    assert charts.rank_in_words(trend((9, 0, 0)), [None]) == "没有名次。"
    assert charts.rank_in_words(trend((9, 0, 0)), [1]) == "6月22日第1位。"
    root = drawn(charts.rank_chart(trend((9, 0, 0)), [1], 1, 350))
    assert len(root.findall("polyline")) == 1


# ── funds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def fund_year(*days: tuple[date, int, int, int, int]) -> FundYear:
    """Days with the sums up to each in 万元: received, allocated, disbursed, spent."""
    sums = tuple((day_on, together([tier("中央", *amounts)])) for day_on, *amounts in days)
    return FundYear(2020, sums[-1][0], (sums[-1][1],), sums)


def test_an_amount_stands_until_the_next_movement():
    year = fund_year((date(2020, 1, 1), 100, 0, 0, 0), (date(2020, 1, 11), 100, 40, 0, 0), (date(2020, 1, 21), 200, 40, 10, 5))
    root = drawn(charts.funds_chart(year, 840))
    lines = {line.get("class"): points(line) for line in root.findall("polyline")}
    assert list(lines) == ["received", "allocated", "disbursed", "spent"]
    right = 840 - charts.NAMES_WIDTH
    middle = (drawing.LEFT + right) / 2
    top, bottom = drawing.TOP, drawing.TOP + charts.FUNDS_HEIGHT
    half = (top + bottom) / 2
    assert lines["received"] == [(drawing.LEFT, half), (right, half), (right, top), (right, top)]
    assert lines["allocated"][:3] == [(drawing.LEFT, bottom), (middle, bottom), (middle, bottom - 0.2 * charts.FUNDS_HEIGHT)]
    assert root.find("desc").text == "2020年1月1日至2020年1月21日累计下达200、分配40、拨付10、支出5（万元）。"


def test_names_beside_the_lines_keep_off_each_other():
    root = drawn(charts.funds_chart(fund_year((date(2020, 1, 1), 100, 99, 98, 97), (date(2020, 3, 1), 100, 99, 98, 97)), 350))
    places = [float(text.get("y")) for text in root.iter("text") if text.text.startswith(("下达", "分配", "拨付", "支出"))]
    assert all(below - above >= charts.NAME_HEIGHT for above, below in zip(places, places[1:], strict=False)) and len(places) == 4


@pytest.mark.parametrize("days", [[(date(2020, 1, 1), 0, 0, 0, 0)], [(date(2019, 12, 30), 3, 5, 0, 0), (date(2020, 12, 31), -3, 5, 0, 0)]])
def test_any_funds_can_be_drawn(days):
    root = drawn(charts.funds_chart(fund_year(*days), 350))
    heights = [y for line in root.findall("polyline") for _, y in points(line)]
    assert all(drawing.TOP <= y <= drawing.TOP + charts.FUNDS_HEIGHT for y in heights)
    labels = sorted(float(text.get("x")) for text in root.iter("text") if text.text.endswith("月"))
    assert all(right - left >= drawing.LABEL_WIDTH for left, right in zip(labels, labels[1:], strict=False))
