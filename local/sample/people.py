"""Invented people: names, and identity numbers that no person can have.

An identity number here is right by GB 11643 (region, date of birth, check digit), so that it passes the gate, and still marked
as synthetic: its sequence number is 000, which the registration offices never give out.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from local.sample.data import told

NAMES = told("people.yml")
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
    return rng.choice(NAMES["surnames"]) + (rng.choice(NAMES["first"]) if rng.random() < 0.8 else "") + rng.choice(NAMES["second"])


def households(rng: Random, count: int) -> list[Household]:
    """Invented households, each with an identity number of its own."""
    birthdays = (FIRST_BIRTHDAY + timedelta(days=days) for days in rng.sample(range(BIRTHDAYS), count))
    stems = [f"430902{birthday:%Y%m%d}000" for birthday in birthdays]
    people = [Household(person_name(rng), stem + check_digit(stem)) for stem in stems]
    for at in range(RARE_EVERY - 1, count, RARE_EVERY):
        people[at] = Household(rng.choice(NAMES["surnames"]) + rng.choice(NAMES["rare"]), people[at].id_number)
    return people


def leaders(rng: Random, count: int) -> list[str]:
    """Distinct invented officials; some carry their post in brackets, as clerks write it."""
    names: list[str] = []
    while len(names) < count:
        name = person_name(rng)
        if name not in names:
            names.append(name)
    return [name + NAMES["posts"][index % 2] if index % 5 == 4 else name for index, name in enumerate(names)]
