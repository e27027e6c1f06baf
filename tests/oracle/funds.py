"""Fund tiers by brute force: the current movements, added up again for every day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from .rates import percent


@dataclass(frozen=True)
class MovementVersion:
    """One accepted row of a fund ledger; ``withdrawn`` is a filled 撤销原因."""

    district_code: str
    unit_code: str
    movement_no: str
    fund_year: int
    tier: str
    stage: str
    amount_yuan: Decimal
    moved_on: date
    report_on: date
    received_at: datetime
    withdrawn: bool = False


@dataclass(frozen=True)
class FundTier:
    """The cumulative figures of one tier on one day."""

    received_yuan: Decimal
    allocated_yuan: Decimal
    disbursed_yuan: Decimal
    spent_yuan: Decimal
    allocated_pct: Decimal | None
    spent_pct: Decimal | None


def current_movements(versions: Iterable[MovementVersion], known_at: datetime | None = None) -> list[MovementVersion]:
    """Lists the current version (latest report date, then arrival) of every movement that is not withdrawn."""
    current: dict[tuple[str, str], MovementVersion] = {}
    for version in versions:
        if known_at is not None and version.received_at > known_at:
            continue
        key = (version.unit_code, version.movement_no)
        other = current.get(key)
        if other is None or (version.report_on, version.received_at) > (other.report_on, other.received_at):
            current[key] = version
    return [version for version in current.values() if not version.withdrawn]


def fund_tiers(versions: Iterable[MovementVersion], known_at: datetime | None = None) -> dict[tuple[str, int, date, str], FundTier]:
    """Works out (district, fund year, day, tier) for every day on which the district and year have any movement."""
    movements = current_movements(versions, known_at)
    lines: dict[tuple[str, int, date, str], FundTier] = {}
    for district_code, fund_year, day in {(m.district_code, m.fund_year, m.moved_on) for m in movements}:
        so_far = [m for m in movements if (m.district_code, m.fund_year) == (district_code, fund_year) and m.moved_on <= day]
        for tier in {m.tier for m in so_far}:
            of_tier = [m for m in so_far if m.tier == tier]
            lines[district_code, fund_year, day, tier] = _add_up(of_tier)
    return lines


def _add_up(movements: list[MovementVersion]) -> FundTier:
    def total(stage: str) -> Decimal:
        return sum((m.amount_yuan for m in movements if m.stage == stage), Decimal("0.00"))

    received = total("下达") - total("收回")
    return FundTier(
        received_yuan=received,
        allocated_yuan=total("分配"),
        disbursed_yuan=total("拨付"),
        spent_yuan=total("支出"),
        allocated_pct=percent(total("分配"), received),
        spent_pct=percent(total("支出"), received),
    )
