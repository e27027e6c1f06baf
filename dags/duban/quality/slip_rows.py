"""Which rows of a corrected slip are those that were sent back (docs/rules.md, Versions).

By their key, whatever was deleted, sorted or hidden; only where the key itself was wrong by their place, by the reason beside them, or
because nothing else is left that they could be. A row that had been accepted is never read again from a slip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from duban.intake import values
from duban.intake.cells import display
from duban.intake.reading import DataRow, Table
from duban.intake.rows import REASON_COLUMN
from duban.warehouse.returns import Returned, ReturnedRow


@dataclass
class SlipRows:
    """The rows of a slip, sorted out: to be read, accepted before, of no row that was sent back; and those sent back that it lacks."""

    kept: list[DataRow] = field(default_factory=list)
    accepted: list[DataRow] = field(default_factory=list)
    others: list[DataRow] = field(default_factory=list)
    missing: list[ReturnedRow] = field(default_factory=list)


def sort_out(tables: Sequence[Table], returned: Returned) -> SlipRows:
    """Sort out the rows of a slip that answers `returned`, ledger by ledger."""
    result = SlipRows(missing=[row for row in returned.rows if row.ledger not in {table.ledger.title for table in tables}])
    for title in dict.fromkeys(table.ledger.title for table in tables):
        _sort_out_ledger([table for table in tables if table.ledger.title == title], returned, result)
    return result


def _sort_out_ledger(tables: Sequence[Table], returned: Returned, result: SlipRows) -> None:
    ledger, sheets = tables[0].ledger, {table.sheet for table in tables}
    waiting: dict[tuple[str, int], ReturnedRow] = {}  # by the place in the slip, if nothing was moved
    by_key: dict[str, dict[tuple[str, int], None]] = {}
    for back in returned.rows:
        if back.ledger == ledger.title:
            # a lone sheet may bear another name by now
            place = (next(iter(sheets)) if len(sheets) == 1 else back.sheet, back.row_no)
            waiting[place] = back
            if back.key is not None:
                by_key.setdefault(back.key, {})[place] = None
    unmatched: list[DataRow] = []
    for row in (row for table in tables for row in table.rows):
        key = values.key_text(row.cells.get(ledger.key))
        if key in by_key:
            # of two that had one key, the one in its place
            same, place = by_key[key], (row.sheet, row.row_no)
            if place in same or same:
                found = place if place in same else next(iter(same))
                del same[found], waiting[found]
            result.kept.append(row)
        elif (ledger.target, key) in returned.accepted:
            result.accepted.append(row)
        else:
            unmatched.append(row)
    for row in (row for table in tables for row in table.collapsed):  # taken together with one that answers for it
        waiting.pop((row.sheet, row.row_no), None)
    title = ledger.by_name[ledger.key].title
    by_place = {place: back for place, back in waiting.items() if back.key is None or title in back.wrong}
    others = {place: back for place, back in waiting.items() if place not in by_place}
    for answers, is_it in (
        (by_place, lambda row: (row.sheet, row.row_no) in by_place),
        (by_place, _has_reason),
        (by_place, lambda row: True),
        (others, _has_reason),
    ):
        unmatched = _take(unmatched, answers, result, is_it)
    result.others += unmatched
    result.missing += (*by_place.values(), *others.values())


def _has_reason(row: DataRow) -> bool:
    return bool(display(row.extras.get(REASON_COLUMN)).strip())


def _take(
    rows: Sequence[DataRow], waiting: dict[tuple[str, int], ReturnedRow], result: SlipRows, is_it: Callable[[DataRow], bool]
) -> list[DataRow]:
    """Take those of the rows that answer one that still waits, in its place or else the first; returns the others."""
    others, first = [], iter(list(waiting))
    for row in rows:
        if not waiting or not is_it(row):
            others.append(row)
            continue
        place = (row.sheet, row.row_no)
        del waiting[place if place in waiting else next(found for found in first if found in waiting)]
        result.kept.append(row)
    return others
