"""The funds of a district: by year, tier and stage, how they developed, and what does not agree.

Amounts are in yuan, percentages carry one decimal and are rounded half up. Totals are computed from the lines shown, so that a total always
equals the sum above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import psycopg
from psycopg.rows import class_row

from duban.statements import statement
from duban.text.display import half_up_pct

AMOUNTS = ("received_yuan", "allocated_yuan", "disbursed_yuan", "spent_yuan")


@dataclass(frozen=True)
class FundTier:
    """Funds of one tier (or of all) up to a day. Rates are of the amount received."""

    tier: str
    received_yuan: Decimal
    allocated_yuan: Decimal
    disbursed_yuan: Decimal
    spent_yuan: Decimal
    allocated_pct: Decimal | None
    spent_pct: Decimal | None

    @property
    def disbursed_pct(self) -> Decimal | None:
        """Disbursed as a share of received; the warehouse does not keep this one."""
        return half_up_pct(self.disbursed_yuan, self.received_yuan)

    @property
    def unallocated_yuan(self) -> Decimal:
        """What has been received and not been allocated; negative when more was allocated than received."""
        return self.received_yuan - self.allocated_yuan


@dataclass(frozen=True)
class FundYear:
    """The funds of one fund year: by tier on its newest day, and all tiers together on every day with a movement."""

    fund_year: int
    day_on: date
    tiers: tuple[FundTier, ...]
    development: tuple[tuple[date, FundTier], ...]

    @property
    def total(self) -> FundTier:
        """All tiers together."""
        return together(self.tiers)

    @property
    def worst(self) -> FundTier | None:
        """The tier with the lowest allocation rate, by exact ratio (shared: the larger unallocated amount); None when all is allocated."""
        behind = [tier for tier in self.tiers if tier.received_yuan > 0 and tier.unallocated_yuan > 0]
        return min(behind, key=lambda tier: (tier.allocated_yuan / tier.received_yuan, -tier.unallocated_yuan), default=None)


@dataclass(frozen=True)
class FundFinding:
    """What does not agree about funds: W03 between stages, W04 between funds and projects, W30 an amount out of all proportion."""

    rule_id: str
    day_on: date
    text: str


@dataclass(frozen=True)
class TownshipFunds:
    """What a township disbursed and spent of one fund year."""

    township_code: str
    fund_year: int
    disbursed_yuan: Decimal
    spent_yuan: Decimal


@dataclass(frozen=True)
class Funds:
    """Everything about the funds of a district."""

    years: tuple[FundYear, ...]  # newest first
    findings: tuple[FundFinding, ...]
    townships: dict[str, TownshipFunds]  # of the newest year


def together(tiers: Sequence[FundTier]) -> FundTier:
    """Several tiers as one line."""
    received, allocated, disbursed, spent = (sum((getattr(tier, amount) for tier in tiers), Decimal(0)) for amount in AMOUNTS)
    return FundTier("合计", received, allocated, disbursed, spent, half_up_pct(allocated, received), half_up_pct(spent, received))


def read_funds(conn: psycopg.Connection, district_code: str) -> Funds:
    """The funds of a district."""
    where = {"district_code": district_code}
    days: dict[int, dict[date, list[FundTier]]] = {}
    for fund_year, day_on, *tier in conn.execute(statement(__file__, "funds_tiers"), where):
        days.setdefault(fund_year, {}).setdefault(day_on, []).append(FundTier(*tier))
    townships = conn.cursor(row_factory=class_row(TownshipFunds)).execute(statement(__file__, "funds_townships"), where).fetchall()
    return Funds(
        years=tuple(_year(fund_year, of_year) for fund_year, of_year in days.items()),
        findings=tuple(conn.cursor(row_factory=class_row(FundFinding)).execute(statement(__file__, "funds_findings"), where).fetchall()),
        townships={township.township_code: township for township in townships},
    )


def _year(fund_year: int, days: dict[date, list[FundTier]]) -> FundYear:
    newest = max(days)
    return FundYear(fund_year, newest, tuple(days[newest]), tuple((day_on, together(tiers)) for day_on, tiers in days.items()))
