"""Villages and townships by their exact names, committees, dated aliases; never by likeness."""

from __future__ import annotations

from datetime import date

import pytest

from duban.intake.places import build_places
from duban.ledgers import VillageAlias

ON = date(2020, 6, 24)
TOWN, OTHER = "430902102", "430902104"
PLACES = build_places(
    "430902",
    [(TOWN, "迎风桥镇"), (OTHER, "沙头镇")],
    [
        (f"{TOWN}001", "迎丰桥社区"),
        (f"{TOWN}202", "迎风桥村委会"),
        (f"{TOWN}203", "新村"),
        (f"{OTHER}201", "新村委会"),
        (f"{OTHER}202", "双枫树村民委员会"),
    ],
    [
        VillageAlias("430902", "老桥村", f"{TOWN}202", date(2014, 1, 1), date(2020, 6, 30)),
        VillageAlias("430511", "别区村", "430511003002", None, None),
        VillageAlias("430902", "迎丰桥社区", f"{TOWN}203", None, None),
    ],
)


@pytest.mark.parametrize(
    ("name", "township", "code"),
    [
        ("迎风桥村", TOWN, f"{TOWN}202"),
        ("迎风桥村委会", TOWN, f"{TOWN}202"),
        ("迎风桥村村委会", TOWN, None),
        ("迎风桥村民委员会", TOWN, f"{TOWN}202"),
        ("双枫树村", OTHER, f"{OTHER}202"),
        ("双枫树村", TOWN, None),
        ("双枫树村", None, f"{OTHER}202"),
        ("新村", TOWN, f"{TOWN}203"),
        ("新村", None, None),  # two of that name in the district
        ("迎丰桥村", TOWN, None),
        ("迎风桥社区", TOWN, None),
        ("迎风桥", TOWN, None),
        ("老桥村", TOWN, f"{TOWN}202"),
        ("别区村", None, None),
        ("迎丰桥社区", TOWN, None),  # a name and an alias of another village: two
        ("迎丰桥社区居民委员会", TOWN, None),
    ],
)
def test_village(name, township, code):
    assert PLACES.village(name, ON, township) == code


def test_an_alias_holds_between_its_dates():
    assert [PLACES.village("老桥村", day, TOWN) for day in (date(2013, 12, 31), date(2014, 1, 1), date(2020, 6, 30), date(2020, 7, 1))] == [
        None,
        f"{TOWN}202",
        f"{TOWN}202",
        None,
    ]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("全镇", ()),
        ("全乡", ()),
        ("全街道", ()),
        ("迎风桥村、新村", (f"{TOWN}202", f"{TOWN}203")),
        ("迎风桥村、没有的村", None),
        ("迎风桥村、", None),
        ("迎风桥村,新村", None),
    ],
)
def test_village_list(text, codes):
    assert PLACES.village_list(text, ON, TOWN) == codes


def test_township_and_office():
    assert (PLACES.township("迎风桥镇"), PLACES.township("迎丰桥镇"), PLACES.office_code) == (TOWN, None, "430902000")
