"""The days of a campaign as data for the script of their page."""

from dataclasses import replace
from datetime import date

from duban.publishing.site.days import day_data
from tests.publishing.site.made_up import LINES, RANKING, UNITS


def test_units_stand_in_the_order_of_print_and_days_in_theirs():
    data = day_data(RANKING)
    assert [unit[0][-3:] for unit in data["units"]] == ["102", "104", "106", "107", "203", "401", "000"]
    assert [unit[1:] for unit in data["units"]][-2:] == [[0, 0], [0, 1]]
    assert [day[0] for day in data["days"]] == [f"2020-06-{day}" for day in range(24, 31)]
    assert [day[1:3] for day in data["days"]][:2] == [[1, None], [0, "端午"]]


def test_a_day_has_the_figures_of_every_unit_and_rates_in_tenths():
    newest = day_data(RANKING)["days"][-1]
    assert newest[3] == 827  # 110 of 133
    by_code = {unit[0]: figures for unit, figures in zip(day_data(RANKING)["units"], newest[4], strict=True)}
    assert by_code["430902104"] == (1, 964, 28, 27, 0, 0, 0, 1)
    assert by_code["430902203"] == (4, 667, 30, 20, 0, 1, 45, 1)
    assert by_code["430902102"] == (None, None, 0, 0, 0, 0, 0, 1)
    assert by_code["430902106"] == (2, 897, 29, 26, 2, 0, 0, 0)


def test_a_unit_that_was_not_there_yet_has_nothing():
    without = {code: days for code, days in UNITS.items() if code != LINES[0].township_code}
    later = {**without, LINES[0].township_code: {date(2020, 6, 30): UNITS[LINES[0].township_code][date(2020, 6, 30)]}}
    days = day_data(replace(RANKING, units=later))["days"]
    assert days[0][4][1] == (None, None, 0, 0, 0, 0, 0, 0) and days[-1][4][1][0] == 1
