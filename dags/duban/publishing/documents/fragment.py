"""The content of a document: a small HTML fragment, read strictly into the blocks that every document is written from.

Nothing is repaired and nothing is ignored: an element, attribute or nesting that the grammar does not know is an error of the template.
A figure is a `data` element; its text must be what `display` writes for its value: no document can print another number than it holds.

    blocks   h2, h3, p (class note: remark under a table), ol, ul with li, section with blocks,
             table with caption, colgroup of col (data-width: relative), thead, tbody, tfoot of tr, th, td (class number, colspan)
    inline   text, strong, small, span, bdi (somebody else's words), br, data (value, data-figure, data-unit)

Between Chinese characters a line break of the template is no space; within ``bdi`` it is one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from html.parser import HTMLParser
from itertools import groupby

from duban.publishing.documents.typesetting import half_widths, is_wide, visible
from duban.text import display

BREAK = "\n"


@dataclass(frozen=True)
class Figure:
    """A printed number that can be found again: its code, its unit, its exact value (None: there is none) and how it is printed.

    A code may hold names that somebody else gave: anything that can be shown.
    """

    code: str
    unit: str
    value: int | Decimal | date | None
    text: str


@dataclass(frozen=True)
class Run:
    """Text of one kind; a line break is a run of its own."""

    text: str
    figure: Figure | None = None
    is_strong: bool = False
    is_small: bool = False
    is_quoted: bool = False  # somebody else's words


Runs = tuple[Run, ...]


@dataclass(frozen=True)
class Heading:
    """一、… (level 2) or （一）… (level 3)."""

    level: int
    runs: Runs


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, or a remark under a table."""

    runs: Runs
    is_note: bool = False


@dataclass(frozen=True)
class Listing:
    """A list, numbered or not."""

    is_ordered: bool
    items: tuple[Runs, ...]

    @property
    def marked(self) -> Iterator[Runs]:
        """The items as paragraphs that begin with their number or dot."""
        for number, runs in enumerate(self.items, start=1):
            yield (Run(f"{number}. " if self.is_ordered else "·"), *runs)


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    runs: Runs
    is_header: bool
    is_number: bool
    span: int

    @property
    def figure(self) -> Figure | None:
        """The figure that is all the cell holds."""
        return self.runs[0].figure if len(self.runs) == 1 else None

    @property
    def stacked(self) -> Runs:
        """What the cell says; what it says in brackets begins a line of its own."""
        if len(self.runs) != 1 or "（" not in self.runs[0].text[1:]:
            return self.runs
        [run] = self.runs
        name, bracket, rest = run.text.partition("（")
        return (replace(run, text=name), Run(BREAK), replace(run, text=bracket + rest))


Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table; `widths` are relative, one per column."""

    caption: Runs
    widths: tuple[int, ...]
    head: tuple[Row, ...]
    body: tuple[Row, ...]
    foot: tuple[Row, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows as they are printed."""
        return (*self.head, *self.body, *self.foot)


@dataclass(frozen=True)
class Section:
    """Blocks that belong together."""

    classes: tuple[str, ...]
    blocks: tuple["Block", ...]


Block = Heading | Paragraph | Listing | Table | Section


def read_fragment(fragment: str) -> tuple[Block, ...]:
    """The blocks of a fragment.

    Raises:
        ValueError: something the grammar does not know, named; or a figure whose text is not its value.
    """
    return _blocks(_tree(fragment))


def flat(blocks: Sequence[Block]) -> Iterator[Heading | Paragraph | Listing | Table]:
    """The blocks in their order, those of sections included."""
    for block in blocks:
        if isinstance(block, Section):
            yield from flat(block.blocks)
        else:
            yield block


def plain(runs: Runs) -> str:
    """The text of runs."""
    return "".join(run.text for run in runs)


def columns(row: Row) -> Iterator[tuple[int, Cell]]:
    """The cells of a row with the number of the column where each begins, from 0."""
    place = 0
    for cell in row:
        yield place, cell
        place += cell.span


# ── from text to a tree ──────────────────────────────────────────────────────────────────────────────────────────────

_TOKENS = r"[a-z][a-z0-9-]*( [a-z][a-z0-9-]*)*"
# Which attributes an element may have, and what they must look like.
_ATTRIBUTES: dict[str, dict[str, str]] = {
    **{name: {"class": _TOKENS} for name in ("h2", "h3", "p", "section", "ol", "ul", "li", "table", "span", "tr")},
    **{name: {} for name in ("caption", "colgroup", "thead", "tbody", "tfoot", "strong", "bdi", "small", "br")},
    **{name: {"class": _TOKENS, "colspan": r"[1-9]\d?", "scope": "col|row"} for name in ("th", "td")},
    "col": {"data-width": r"[1-9]\d{0,3}"},
    "data": {"value": r"[^\n]*", "data-figure": r"(?s)\s*\S.*", "data-unit": r"\w+"},
}
_VOID = {"br", "col"}
_SPACE = " \t\r\n\f"


@dataclass
class _Element:
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    content: list["_Element | str"] = field(default_factory=list)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.attributes.get("class", "").split())

    def children(self, *allowed: str) -> list["_Element"]:
        """The elements inside, where nothing else may be."""
        found = []
        for child in self.content:
            if isinstance(child, _Element) and child.name in allowed:
                found.append(child)
            elif isinstance(child, _Element):
                raise ValueError(f"<{self.name}> may not contain <{child.name}>")
            elif child.strip(_SPACE):
                raise ValueError(f"<{self.name}> may not contain text: {child.strip(_SPACE)[:40]}")
        return found


class _Reader(HTMLParser):
    """Builds the tree; refuses what is not in the grammar instead of repairing it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [_Element("fragment")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        allowed = _ATTRIBUTES.get(tag)
        if allowed is None:
            raise ValueError(f"unknown element <{tag}>")
        for name, value in attrs:
            if name not in allowed or not re.fullmatch(allowed[name], value or ""):
                raise ValueError(f'<{tag}> with an unknown attribute {name}="{value}"')
        element = _Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].content.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if self.open[-1].name != tag:
            raise ValueError(f"</{tag}> ends <{self.open[-1].name}>")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].content.append(visible(data.replace("\f", " ")))

    def _refuse(self, what: str) -> None:
        raise ValueError(f"neither element nor text: <{what[:40]}>")

    handle_comment = handle_decl = handle_pi = unknown_decl = _refuse


def _tree(fragment: str) -> _Element:
    reader = _Reader()
    reader.feed(fragment)
    reader.close()
    if len(reader.open) > 1:
        raise ValueError(f"<{reader.open[-1].name}> does not end")
    return reader.open[0]


# ── from the tree to blocks ──────────────────────────────────────────────────────────────────────────────────────────


def _blocks(parent: _Element) -> tuple[Block, ...]:
    return tuple(map(_block, parent.children("h2", "h3", "p", "ol", "ul", "table", "section")))


def _block(element: _Element) -> Block:
    match element.name:
        case "h2" | "h3":
            return Heading(int(element.name[1]), _runs(element))
        case "p":
            return Paragraph(_runs(element), "note" in element.classes)
        case "ol" | "ul":
            return Listing(element.name == "ol", tuple(map(_runs, element.children("li"))))
        case "table":
            return _table(element)
        case _:
            return Section(element.classes, _blocks(element))


def _table(element: _Element) -> Table:
    parts: dict[str, list[_Element]] = {"caption": [], "colgroup": [], "thead": [], "tbody": [], "tfoot": []}
    for child in element.children(*parts):
        parts[child.name].append(child)
    for name in ("caption", "colgroup", "thead", "tfoot"):
        if len(parts[name]) > 1:
            raise ValueError(f"<table> with more than one <{name}>")
    head, body, foot = (
        tuple(tuple(map(_cell, row.children("th", "td"))) for part in parts[name] for row in part.children("tr"))
        for name in ("thead", "tbody", "tfoot")
    )
    rows = (*head, *body, *foot)
    widths = tuple(int(col.attributes.get("data-width", "1")) for group in parts["colgroup"] for col in group.children("col"))
    count = len(widths) or max((sum(cell.span for cell in row) for row in rows), default=0)
    if not count or not rows:
        raise ValueError("<table> without a row")
    for row in rows:
        if sum(cell.span for cell in row) != count:
            raise ValueError(
                f"<tr> that does not fill the {count} columns of its <table>: {' '.join(plain(cell.runs) for cell in row)[:60]}"
            )
    caption = _runs(parts["caption"][0]) if parts["caption"] else ()
    return Table(caption, widths or _natural_widths(rows, count), head, body, foot)


def _natural_widths(rows: Sequence[Row], count: int) -> tuple[int, ...]:
    """Widths by the longest cell of each column, within bounds: a description gets more, but not everything."""
    widest = [4] * count
    for row in rows:
        for place, cell in columns(row):
            if cell.span == 1:
                widest[place] = max(widest[place], min(40, half_widths(plain(cell.runs))))
    return tuple(widest)


def _cell(element: _Element) -> Cell:
    is_header = element.name == "th"
    return Cell(_runs(element), is_header, "number" in element.classes, int(element.attributes.get("colspan", "1")))


# ── inline ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_INLINE = {"strong": "is_strong", "small": "is_small", "bdi": "is_quoted", "span": None}
_SPACES = re.compile(f"[{_SPACE}]+")
_HARD_BREAK = "\v"  # no text holds it: `visible` has replaced it


def _runs(element: _Element) -> Runs:
    """The runs of an element that holds text, spaces as a reader sees them."""
    runs = list(_inline(element, Run("")))
    text = "".join(run.text for run in runs)
    owners = [run for run in runs for _ in run.text]
    kept: list[tuple[Run, str]] = []
    at = 0
    for space in _SPACES.finditer(text):
        kept += zip(owners[at : space.start()], text[at : space.start()], strict=True)
        kept += [(owners[space.start()], " ")] if _is_seen(space, text, owners[space.start()]) else []
        at = space.end()
    kept += zip(owners[at:], text[at:], strict=True)
    joined = [_join(group) for _, group in groupby(kept, key=lambda entry: id(entry[0]))]
    return tuple(piece for run, text in joined for piece in _pieces(run, text))


def _join(characters: Iterable[tuple[Run, str]]) -> tuple[Run, str]:
    owners, text = zip(*characters, strict=True)
    return owners[0], "".join(text)


def _inline(element: _Element, style: Run) -> Iterator[Run]:
    for child in element.content:
        if isinstance(child, str):
            yield replace(style, text=child)
        elif child.name == "br":
            yield replace(style, text=_HARD_BREAK)
        elif child.name == "data":
            figure = _figure(child)
            yield replace(style, text=figure.text, figure=figure)
        elif child.name in _INLINE:
            mark = _INLINE[child.name]
            yield from _inline(child, replace(style, **{mark: True}) if mark else style)
        else:
            raise ValueError(f"<{element.name}> may not contain <{child.name}>")


def _is_seen(space: re.Match[str], text: str, owner: Run) -> bool:
    """Whether white space is a space: not at an edge, and not where a line of the template merely ended beside a Chinese character."""
    before, after = text[: space.start()][-1:], text[space.end() :][:1]
    if before in {"", _HARD_BREAK} or after in {"", _HARD_BREAK}:
        return False
    return owner.is_quoted or "\n" not in space[0] or not (is_wide(before) or is_wide(after))


def _pieces(run: Run, text: str) -> Iterator[Run]:
    for number, part in enumerate(text.split(_HARD_BREAK)):
        if number:
            yield replace(run, text=BREAK)
        if part:
            yield replace(run, text=part)


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _whole(number: int) -> set[str]:
    return {str(number), f"{number:,}"}


#: Per unit: how the value is written in the fragment, and which texts say it.
_UNITS: dict[str, tuple[Callable[[str], int | Decimal | date], Callable[[int | Decimal | date], set[str]]]] = {
    "count": (int, _whole),
    "days": (int, _whole),
    "rank": (int, _whole),
    "pct": (Decimal, lambda value: {display.pct(value)} if value == round(value, 1) else set()),
    "yuan": (Decimal, lambda value: {display.wan(value)}),
    "date": (date.fromisoformat, lambda value: {display.day(value), display.short_day(value), value.isoformat()}),
}


def _figure(element: _Element) -> Figure:
    if missing := _ATTRIBUTES["data"].keys() - element.attributes.keys():
        raise ValueError(f"<data> without {' and '.join(sorted(missing))}")
    if any(isinstance(child, _Element) for child in element.content):
        raise ValueError("<data> may contain nothing but text")
    code, unit, written = (visible(" ".join(element.attributes[name].split())) for name in ("data-figure", "data-unit", "value"))
    text = "".join(element.content).strip(_SPACE)
    if unit not in _UNITS:
        raise ValueError(f"<data> of an unknown unit: {unit}")
    read, texts = _UNITS[unit]
    try:
        value = read(written) if written else None
        said = {display.NOTHING} if value is None else texts(value)
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"<data> {code}: {written!r} is no value of the unit {unit}") from error
    if text not in said:
        raise ValueError(f"<data> {code}: {text!r} does not say {written!r}")
    return Figure(code, unit, value, text)
