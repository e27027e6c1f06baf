"""Where a row says it is: township and village against the divisions, by exact names only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .cells import Cell
from .columns import KEY_COLUMN, KINDS
from .ranking import Campaign

Break = tuple[str, str]
Row = Mapping[str, Cell]

ALL_VILLAGES = ("全镇", "全乡", "全街道")
PLACE_ENDINGS = (("村民委员会", "村"), ("村委会", "村"), ("居民委员会", ""), ("居委会", ""))


@dataclass(frozen=True)
class Reference:
    """What the warehouse knows when the file is judged. An owner of None is the office: the key belongs to no township."""

    district_code: str
    townships: Mapping[str, str]  # code → official name
    villages: Mapping[str, Sequence[str]]  # township code → official names
    campaigns: Sequence[Campaign]
    problem_owners: Mapping[str, str | None] = field(default_factory=dict)
    project_owners: Mapping[str, str | None] = field(default_factory=dict)
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # township code → alias → official name


@dataclass(frozen=True)
class Place:
    """Where a row says it is: ``is_readable`` is false for R06/R04, ``code`` None for no township."""

    code: str | None
    is_readable: bool
    breaks: frozenset[Break]


def judge_place(ledger: str, row: Row, unit_code: str, owners: Mapping[str, str | None], reference: Reference) -> Place:
    """Applies R06, R04 and R05, and R01 to a visit without a township; `owners` are those of problems or projects, by key."""
    township, villages = row["乡镇"], row["村(社区)"]
    is_one = KINDS[ledger]["村(社区)"] == "village"
    key = row["问题编号" if ledger == "督导记录" else KEY_COLUMN[ledger]]
    sender = unit_code if unit_code in reference.townships else None
    breaks: frozenset[Break] = frozenset()
    if township.rule_id is not None:
        return Place(None, False, frozenset())
    if township.value is None:
        code = sender
        if ledger == "督导记录" and key.rule_id is None:
            code = owners.get(str(key.value))
            if key.value is None or code is not None:
                breaks = frozenset({("R01", "乡镇")})  # only the problem of a department needs none
    elif sender is None:
        code = next((code for code, name in reference.townships.items() if name == township.value), None)
        if code is None:
            return Place(None, False, frozenset({("R04", "乡镇")}))
    else:
        if township.value != reference.townships[unit_code]:
            return Place(None, False, frozenset({("R06", "乡镇")}))
        code = unit_code
    if villages.value is None or (not is_one and villages.value in ALL_VILLAGES):
        names = []
    elif is_one:
        names = [str(villages.value)]
    else:
        names = [name.strip() for name in str(villages.value).split("、")]
    if not all(_is_found(name, code, key, owners, reference) for name in names):
        breaks |= {("R05", "村(社区)")}
    return Place(code, ("R01", "乡镇") not in breaks, breaks)


def _is_found(name: str, code: str | None, key: Cell, owners: Mapping[str, str | None], reference: Reference) -> bool:
    if code is not None:
        return _fitting(name, code, reference) == 1
    # An office row without a township: the one village of the district that bears the name, else a village of the key's township.
    if sum(_fitting(name, township, reference) for township in reference.townships) == 1:
        return True
    owner = owners.get(str(key.value)) if key.value is not None else None
    return owner is not None and _fitting(name, owner, reference) == 1


def _fitting(name: str, township_code: str, reference: Reference) -> int:
    """Counts the villages of a township that a name fits."""
    accepted = {name, reference.aliases.get(township_code, {}).get(name)}
    for ending, replacement in PLACE_ENDINGS:
        if name.endswith(ending):
            accepted.add(name.removesuffix(ending) + replacement)
    return sum(village in accepted for village in reference.villages.get(township_code, ()))
