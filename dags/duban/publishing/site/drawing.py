"""Primitives of the pictures: inline SVG whose texts are escaped here and whose colours come from the classes of ``templates/style.css``.

Positions are SVG attributes, because the pages' Content-Security-Policy forbids style attributes; one picture serves light, dark and print.
"""

from collections.abc import Sequence
from datetime import date

from markupsafe import Markup, escape

# Of charts over time, in units of their own width (one unit is one CSS pixel when shown at that width).
LEFT, RIGHT, TOP, AXIS_HEIGHT = 42, 20, 28, 24
LABEL_WIDTH = 44


def picture(name: str, width: int, height: float, title: str, text: str, parts: Sequence[Markup]) -> Markup:
    """A chart as an SVG with its title and, in words, what it shows.

    Args:
        name: Distinguishes the charts of a page; with the width it makes the ids.
        width: Width; text keeps its size, so a phone gets a narrower picture and not a smaller one.
        height: Height.
        title: What it is.
        text: What it shows, for those who cannot see it.
        parts: What is drawn, from back to front.
    """
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-title-{width} {name}-text-{width}">'
        '<title id="{name}-title-{width}">{title}</title><desc id="{name}-text-{width}">{text}</desc>{parts}</svg>'
    ).format(name=name, width=width, height=height, title=title, text=text, parts=Markup().join(parts))


def line(css_class: str, x1: float, x2: float, y: float) -> Markup:
    """A horizontal line."""
    return Markup('<line class="{}" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>').format(css_class, x1, x2, y, y)


def text(css_class: str, x: float, y: float, words: object) -> Markup:
    """A text; its classes say how it is aligned."""
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(css_class, x, y, escape(words))


def polyline(css_class: str, points: Sequence[tuple[float, float]]) -> Markup:
    """A line through points."""
    return Markup('<polyline class="{}" points="{}"/>').format(css_class, " ".join(f"{x:.1f},{y:.1f}" for x, y in points))


def dot(x: float, y: float) -> Markup:
    """The mark of one value."""
    return Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(x, y)


def day_labels(days: Sequence[date], centres: Sequence[float], bottom: float) -> Markup:
    """Dates below a chart of consecutive days, from the newest back, as many as fit."""
    step = centres[1] - centres[0] if len(centres) > 1 else LABEL_WIDTH
    every = max(1, int(-(-LABEL_WIDTH // step)))
    return Markup().join(
        text("tick middle", centres[position], bottom + AXIS_HEIGHT - 8, f"{days[position].month}/{days[position].day}")
        for position in range(len(days) - 1, -1, -every)
    )


def nice_top(largest: int) -> int:
    """The end of a scale that holds ``largest`` and halves to a whole number: 2, 4, 6, 8, 10, 20, 40, 60, …"""
    magnitude = 1
    while magnitude * 10 < largest:
        magnitude *= 10
    return next(top for top in (magnitude * leading for leading in (2, 4, 6, 8, 10)) if top >= largest)
