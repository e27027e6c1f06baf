"""The movements of funds, by fund year and tier."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from duban.publishing.issues.figures import Figure, Figures
from duban.publishing.issues.issue import Frozen, Row
from duban.publishing.issues.parts.part import Part, Sheet, place
from duban.publishing.issues.series import MONTHLY, WEEKLY

TIERS = ("中央", "省级", "市级", "区级", "其他")
#: Which stages of movements count where; 收回 lowers what was received (the same for marts: dbt_project/macros/funds/tier_sums.sql).
_STAGES = {"received": ("下达", "收回"), "allocated": ("分配",), "disbursed": ("拨付",), "spent": ("支出",)}


def fund_years(frozen: Frozen) -> list[int]:
    """The fund years that a dispatch speaks of: that of its day, and earlier ones of which not all that was received is spent."""
    years = {movement.fund_year for movement in frozen.movements}
    unfinished = {year for year in years if _stage_total(frozen, year, None, "received") != _stage_total(frozen, year, None, "spent")}
    return sorted((year for year in years if year == frozen.issue.issue_year or year in unfinished), reverse=True)


def tiers_of(frozen: Frozen, year: int) -> list[str]:
    """The tiers with movements in a fund year, in their order."""
    found = {movement.tier for movement in frozen.movements if movement.fund_year == year}
    return [tier for tier in TIERS if tier in found]


def _funds(figures: Figures, frozen: Frozen) -> None:
    for year in fund_years(frozen):
        for tier in [*tiers_of(frozen, year), None]:
            prefix, name = f"funds.{year}.{tier or 'total'}", f"{year}年{tier or '合计'}"
            for stage, stages in _STAGES.items():
                rows = _movements(frozen, year, tier, stage)
                value = _stage_total(frozen, year, tier, stage)
                figures.add(Figure(f"{prefix}.{stage}_yuan", f"{name}{stages[0]}", value, "yuan", rows))
            received, allocated = figures[f"{prefix}.received_yuan"], figures[f"{prefix}.allocated_yuan"]
            rest = received.value - allocated.value
            parts = (received.code, allocated.code)
            figures.add(Figure(f"{prefix}.unallocated_yuan", f"{name}未分配", rest, "yuan", parts=parts))
            for stage, said in (("allocated", "分配率"), ("disbursed", "拨付率"), ("spent", "支出率")):
                figures.pct(f"{prefix}.{stage}_pct", f"{name}{said}", f"{prefix}.{stage}_yuan", received.code)


def _movements(frozen: Frozen, year: int, tier: str | None, stage: str) -> tuple[Row, ...]:
    return tuple(
        movement
        for movement in frozen.movements
        if movement.fund_year == year and tier in (None, movement.tier) and movement.stage in _STAGES[stage]
    )


def _stage_total(frozen: Frozen, year: int, tier: str | None, stage: str) -> Decimal:
    """What movements add up to in yuan; what was taken back is taken off."""
    rows = _movements(frozen, year, tier, stage)
    return sum((-row.amount_yuan if row.stage == "收回" else row.amount_yuan for row in rows), Decimal(0))


def worst_tier(figures: Figures, frozen: Frozen, year: int) -> str | None:
    """The tier with the lowest rate of allocation by exact ratio (of equal ones the larger rest); None when all is allocated."""
    behind = [
        tier
        for tier in tiers_of(frozen, year)
        if figures[f"funds.{year}.{tier}.received_yuan"].value > 0 and figures[f"funds.{year}.{tier}.unallocated_yuan"].value > 0
    ]

    def standing(tier: str) -> tuple[Decimal, Decimal]:
        received, rest = (figures[f"funds.{year}.{tier}.{name}_yuan"].value for name in ("received", "unallocated"))
        return (received - rest) / received, -rest

    return min(behind, key=standing, default=None)


def _wording(frozen: Frozen, figures: Figures) -> Mapping[str, Any]:
    return {
        "fund_years": fund_years(frozen),
        "tiers_of": lambda year: tiers_of(frozen, year),
        "worst_tier": lambda year: worst_tier(figures, frozen, year),
    }


MOVEMENTS = Part(
    name="movements",
    row="movement",
    order="moved_on, unit_code, movement_no",
    said=lambda frozen, row: f"资金流水{row.movement_no} {frozen.place(row.township_code)}".strip(),
    series=frozenset({WEEKLY.code, MONTHLY.code}),
    figures=_funds,
    wording=_wording,
    sheet=Sheet(
        "资金明细",
        {
            "报送单位": "unit_code",
            "流水号": "movement_no",
            "资金年度": "fund_year",
            "层级": "tier",
            "环节": "stage",
            "金额（万元）": lambda frozen, row: row.amount_yuan / 10_000,
            "发生日期": "moved_on",
            "文号": "document_no",
            "项目编号": "project_no",
            "乡镇（街道）": place,
        },
    ),
    subject="movement_no",
    texts={"资金名称": "fund_name", "资金文号": "document_no"},
    marks={"流水号": "movement_no"},
)
