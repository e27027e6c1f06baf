"""Bars and shades beside a number: they carry no text of their own, and a screen reader skips them."""

from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup

HEAT_LEVELS = 5


def share_bar(amount: Decimal | int, whole: Decimal | int, scale: Decimal | int | None = None) -> Markup:
    """A bar filled to ``amount``, on a track as long as ``whole``.

    Args:
        amount: What is done. Below zero it is drawn as nothing, beyond ``scale`` as full.
        whole: What there is to do: the length of the track.
        scale: What the full width stands for, when several bars are compared; without it ``whole``.
    """
    full = whole if scale is None else scale
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="track" width="{}" height="8"/><rect class="fill" width="{}" height="8"/></svg>'
    ).format(_share(whole, full), _share(amount, full))


def stacked_bar(counts: Sequence[tuple[str, int]], whole: int | None = None) -> Markup:
    """Parts side by side in the order given: ``(css class, count)``; they fill the width, or their share of ``whole``."""
    total = sum(count for _, count in counts) if whole is None else whole
    parts, before = [], 0
    for css_class, count in counts:
        parts.append(
            Markup('<rect class="{}" x="{}" width="{}" height="8"/>').format(css_class, _share(before, total), _share(count, total))
        )
        before += count
    return Markup(
        '<svg class="bar stacked" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">{}</svg>'
    ).format(Markup().join(parts))


def heat_level(rank: int, last_rank: int) -> int:
    """Shade of a rank: 1 for the first, ``HEAT_LEVELS`` for the last of ``last_rank``, evenly between."""
    if last_rank <= 1:
        return 1
    return 1 + (rank - 1) * (HEAT_LEVELS - 1) // (last_rank - 1)


def _share(amount: Decimal | int, whole: Decimal | int) -> str:
    """Percent of the width, for a picture: three decimals, between 0 and 100."""
    return f"{min(max(amount / whole, 0), 1) * 100:.3f}" if whole > 0 else "0"
