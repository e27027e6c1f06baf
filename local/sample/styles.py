"""How each sender keeps its ledgers, as `styles.yml` tells it: file kind, header names, column order, spellings."""

from dataclasses import dataclass, field
from typing import Any

from local.sample.data import lines, told
from local.sample.mistakes import FUNDS, PROBLEMS, PROJECTS, VISITS

# A column that is no column of the ledger (序号, 联系电话 …) is one the clerk keeps besides.
_ORDERS = {(line["ledger"], line["order"]): line["columns"].split() for line in lines("column_orders.csv")}
_TOLD = told("styles.yml")


@dataclass(frozen=True)
class Style:
    """The habits of one sender.

    Attributes:
        aliases: ledger → column → header the clerk uses.
        orders: ledger → name in column_orders.csv; else `usual`.
        file_name: with {day} and {ledger}; `{day:%Y%m%d}` makes the name tell the report date.
        date_cell: `one` 填报日期：… in one cell, `two` the date in the next cell, None: only the file name tells it.
        dates: spellings of dates, see `spellings.spelled_date`.
        blank: what stands in blank optional cells.
        whole: sends its whole problem ledger each time, not only the rows that changed.
        merged: column whose equal neighbours are merged; the rows are sorted by it.
        sheet_names: ledger → sheet; empty: one CSV file per ledger.
    """

    file_name: str
    dates: tuple[str, ...]
    orders: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, dict[str, str]] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    villages: tuple[str, ...] = ("short",)
    date_cell: str | None = "one"
    unit_line: str | None = "单位：万元"
    header_unit: str | None = None
    two_row_header: bool = False
    blank: tuple[str | None, ...] = (None,)
    whole: bool = False
    merged: str | None = None
    totals: bool = True
    full_width: bool = False
    encoding: str | None = None
    sheet_names: dict[str, str] = field(default_factory=lambda: {name: name for name in (PROBLEMS, PROJECTS, FUNDS, VISITS)})
    notes: tuple[str, ...] = ()
    explains: bool = False

    def columns(self, ledger: str) -> list[str]:
        """The columns of this sender's ledger in their order."""
        return _ORDERS[ledger, self.orders.get(ledger, "usual")]

    @property
    def money_unit(self) -> str:
        """元 or 万元, whatever the header or the line above it names."""
        return self.header_unit or (self.unit_line or "").partition("：")[2]


def _style(habits: dict[str, Any]) -> Style:
    """The style of one sender; aliases and words are told by name, because several senders share them."""
    shared = {key: _TOLD[key][habits[key]] for key in ("aliases", "words") if key in habits}
    return Style(**habits | shared)


EXPLANATION: tuple[str, ...] = _TOLD["explanation"]
STYLES = {unit: _style(habits) for unit, habits in _TOLD["styles"].items()}
