"""The planted mistakes of `mistakes.yml`: which rule a row breaks, on which day, in whose file, and what the clerk wrote instead.

A mistake never touches the story: a row sent wrongly is one that the story takes up only later (`new`, `closing`), one whose
earlier version stands (`update`), or one that belongs to nobody (`stray`). Of the visits, confirmations are sent wrongly: they
change no state.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

from local.sample.data import told
from local.sample.story import june

PROBLEMS, PROJECTS, FUNDS, VISITS = "问题台账", "项目台账", "资金台账", "督导记录"

# Rules about a closure: the row they spoil says 整改到位.
CLOSING_RULES = frozenset({"P02", "P03", "P04", "P05"})


@dataclass(frozen=True)
class Written:
    """A cell exactly as the clerk wrote it: no style is applied to it."""

    value: Any


@dataclass(frozen=True)
class Mistake:
    """One planted mistake.

    Attributes:
        kind: `new` spoils the first sending of a row, corrected in the next file; `closing` spoils the row that closes a problem,
            corrected in the next file; `update` spoils a later version of a row; `stray` is a copied row under another key.
        changes: column → what stands in its cell.
    """

    unit: str
    day: date
    ledger: str
    rule: str
    kind: str
    changes: dict[str, Any] = field(hash=False)


MISTAKES = tuple(
    Mistake(f"430902{unit}", june(day), ledger, rule, kind, changes)
    for ledger, mistakes in told("mistakes.yml").items()
    for unit, day, rule, kind, changes in mistakes
)

# Whole ledgers, beside the single rows.
LACKS_LEADER_COLUMN = ("430902106", june(23))  # S03: sent again on the same day with the column
SENT_TWICE = ("430902102", june(28))  # the same bytes under another name: duplicate
COPIED_ROW = ("430902104", june(22))  # W08: the first problem stands in the ledger twice
WRONG_TOTAL = ("430902203", june(22), PROJECTS)  # W02: 合计 is ten units too high
HIDDEN_ROW = ("430902105", june(22))  # W07: a hidden row is data
HIDDEN_SHEET = ("430902102", june(22))  # W07: a hidden sheet is not


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a ledger has one entry for, with what goes wrong with its row, by report date."""

    mistakes: dict[date, Mistake] = field(default_factory=dict, hash=False)

    def row(self, day: date) -> dict[str, Any]:
        """The right ledger row of a day."""
        raise NotImplementedError

    def meant_row(self, mistake: Mistake) -> dict[str, Any]:
        """The row that a mistake spoils."""
        return self.row(mistake.day)

    def sent_rows(self, day: date) -> list[dict[str, Any]]:
        """What the ledger of a day says: the right row, or what a planted mistake makes of it."""
        mistake = self.mistakes.get(day)
        return spoiled(self.meant_row(mistake), mistake) if mistake else [self.row(day)]


E = TypeVar("E", bound=Entry)


def with_mistakes(
    unit: str, ledger: str, entries: Sequence[E], may_spoil: Callable[[E, Mistake], bool], choose: Callable[[list[int]], int]
) -> list[E]:
    """The entries of a unit, each mistake of its ledger planted on one that it may spoil and that has none yet."""
    entries = list(entries)
    for mistake in MISTAKES:
        if (mistake.unit, mistake.ledger) == (unit, ledger) and mistake.kind != "stray":
            at = choose([at for at, entry in enumerate(entries) if not entry.mistakes and may_spoil(entry, mistake)])
            entries[at] = replace(entries[at], mistakes={mistake.day: mistake})
    return entries


def planted(unit: str, day: date, ledger: str, *kinds: str) -> list[Mistake]:
    """The mistakes of these kinds in one unit's ledger of one day."""
    return [
        mistake for mistake in MISTAKES
        if (mistake.unit, mistake.day, mistake.ledger) == (unit, day, ledger) and mistake.kind in kinds
    ]  # fmt: skip


def spoiled(row: dict[str, Any], mistake: Mistake) -> list[dict[str, Any]]:
    """The row or, for a key sent twice, the two rows as the mistaken clerk writes them."""
    wrong = row | {column: Written(value) for column, value in mistake.changes.items()}
    return [row, wrong] if mistake.rule == "R08" else [wrong]
