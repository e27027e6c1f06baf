"""Invented people: names, and identity numbers that no person can have.

An identity number here is right by GB 11643 (region, date of birth, check digit), so that it passes the gate, and still marked
as synthetic: its sequence number is 000, which the registration offices never give out.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

SURNAMES = (
    "王李张刘陈杨黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
# The separators of a list of persons, 和 and 及, must not occur in a name: rule P08 would see two people.
FIRST = "建国志德春秋冬夏桂菊玉金银先立正光文学明友爱月跃新大小四海长庆福寿腊梅翠连运清华祥保"
SECOND = "军明华生平良云英珍秀芳兰香娥莲贵林山辉强根斌初安才元祥喜求佑霞红凤桃满意田南阳泉"
# Characters outside GBK: only GB18030 and Unicode carry them.
RARE = "䶮㛃𬇙"
RARE_EVERY = 20
FIRST_BIRTHDAY = date(1938, 1, 1)
BIRTHDAYS = 17_500
CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"


@dataclass(frozen=True)
class Household:
    """A household as a problem ledger names it: its head and the head's identity number."""

    head: str
    id_number: str


def check_digit(first_17: str) -> str:
    """The check digit of an identity number (GB 11643-1999, ISO 7064 MOD 11-2) for its first 17 digits."""
    return CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(first_17, CHECK_WEIGHTS, strict=True)) % 11]


def person_name(rng: Random) -> str:
    """An invented name of two or three characters."""
    return rng.choice(SURNAMES) + (rng.choice(FIRST) if rng.random() < 0.8 else "") + rng.choice(SECOND)


def households(rng: Random, count: int) -> list[Household]:
    """Invented households, each with an identity number of its own."""
    birthdays = (FIRST_BIRTHDAY + timedelta(days=days) for days in rng.sample(range(BIRTHDAYS), count))
    stems = [f"430902{birthday:%Y%m%d}000" for birthday in birthdays]
    people = [Household(person_name(rng), stem + check_digit(stem)) for stem in stems]
    for at in range(RARE_EVERY - 1, count, RARE_EVERY):
        people[at] = Household(rng.choice(SURNAMES) + rng.choice(RARE), people[at].id_number)
    return people


def leaders(rng: Random, count: int) -> list[str]:
    """Distinct invented officials; some carry their post in brackets, as clerks write it."""
    names: list[str] = []
    while len(names) < count:
        name = person_name(rng)
        if name not in names:
            names.append(name)
    posts = ("（镇村干部）", "（分管领导）")
    return [name + posts[index % 2] if index % 5 == 4 else name for index, name in enumerate(names)]
