"""Percentages as the office prints them: half-up on the exact ratio, one decimal."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction


def percent(part: int | Decimal, base: int | Decimal) -> Decimal | None:
    """Returns ``part / base`` in percent, one decimal, half away from zero; None when the base is 0."""
    if base == 0:
        return None
    tenths = Fraction(part) / Fraction(base) * 1000
    sign = -1 if tenths < 0 else 1
    rounded = int(abs(tenths) + Fraction(1, 2))
    return (Decimal(sign * rounded) / 10).quantize(Decimal("0.1"))
