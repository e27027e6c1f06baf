"""The web page of a document: one file with its style inside, no script, nothing fetched from anywhere.

Its markup is written anew from the blocks of the fragment; whatever a sender wrote comes through as escaped text only.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from duban.publishing.documents.fragment import (
    BREAK,
    Block,
    Cell,
    Heading,
    Listing,
    Paragraph,
    Row,
    Run,
    Runs,
    Section,
    Table,
    plain,
    read_fragment,
)
from duban.publishing.documents.letterhead import Letterhead
from duban.publishing.documents.typesetting import title_lines, visible
from duban.publishing.inline import inline

PARTS = Path(__file__).parent / "page_parts"
_TITLE_WIDTH = 44  # halves of a Chinese character


def render_html(fragment: str, head: Letterhead, *, files: Sequence[tuple[str, str]] = ()) -> str:
    """The document as a page; same input, same text.

    Args:
        fragment: The content, in the grammar of `fragment`.
        head: What stands around it.
        files: Label and relative address of each file to download.

    Raises:
        ValueError: the fragment is not in the grammar, or an address is not relative.
    """
    for _, address in files:
        if ":" in address or address.startswith(("/", "\\")):
            raise ValueError(f"no relative address: {address}")
    writing = _Writing()
    content = Markup("").join(writing.blocks(read_fragment(fragment)))
    template, style = _parts()
    lines = title_lines(visible(head.title), _TITLE_WIDTH)
    return template.render(head=head, lines=lines, content=content, files=files, **inline(style + writing.widths()))


@cache
def _parts() -> tuple[Template, str]:
    environment = Environment(
        loader=FileSystemLoader(PARTS), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_seen
    )
    return environment.get_template("page.html.j2"), (PARTS / "page.css").read_text(encoding="utf-8")


def _seen(value: object) -> object:
    return visible(value) if type(value) is str else value


class _Writing:
    """Writes the blocks and remembers the widths of columns: the policy of the page allows them in the style sheet only."""

    def __init__(self) -> None:
        self._widths: dict[int, None] = {}

    def widths(self) -> str:
        """The rules of the columns, in percent."""
        return "".join(f".w{width}{{width:{width}%}}\n" for width in sorted(self._widths))

    def blocks(self, blocks: Sequence[Block]) -> Iterable[Markup]:
        """The content of the page."""
        for block in blocks:
            match block:
                case Heading(level, runs):
                    yield Markup("<h{0}>{1}</h{0}>\n").format(level, _runs(runs))
                case Paragraph(runs, is_note):
                    yield Markup("<p{}>{}</p>\n").format(Markup(' class="note"') if is_note else "", _runs(runs))
                case Listing(is_ordered, items):
                    listed = Markup("").join(Markup("<li>{}</li>\n").format(_runs(runs)) for runs in items)
                    yield Markup("<{0}>\n{1}</{0}>\n").format("ol" if is_ordered else "ul", listed)
                case Table():
                    yield self._table(block)
                case Section(classes, inner):
                    named = Markup(' class="{}"').format(" ".join(classes)) if classes else ""
                    yield Markup("<section{}>\n{}</section>\n").format(named, Markup("").join(self.blocks(inner)))

    def _table(self, table: Table) -> Markup:
        """A table in a frame that scrolls where it is narrow."""
        shares = [max(1, (200 * width // sum(table.widths) + 1) // 2) for width in table.widths]
        self._widths |= dict.fromkeys(shares)
        group = Markup("").join(Markup('<col class="w{}">').format(share) for share in shares)
        parts = Markup("").join(
            Markup("<{0}>\n{1}</{0}>\n").format(name, Markup("").join(_row(row, name) for row in rows))
            for name, rows in (("thead", table.head), ("tbody", table.body), ("tfoot", table.foot))
            if rows
        )
        caption = Markup("<caption>{}</caption>\n").format(_runs(table.caption)) if table.caption else ""
        return Markup(
            '<div class="table" role="region" tabindex="0" aria-label="{}">\n<table>\n{}<colgroup>{}</colgroup>\n{}</table>\n</div>\n'
        ).format(plain(table.caption).replace(BREAK, " ") or "表格", caption, group, parts)


def _row(row: Row, part: str) -> Markup:
    return Markup("<tr>{}</tr>\n").format(Markup("").join(_cell(cell, part) for cell in row))


def _cell(cell: Cell, part: str) -> Markup:
    name = "th" if cell.is_header or part == "thead" else "td"
    scope = (
        Markup(' scope="{}"').format("colgroup" if part == "thead" and cell.span > 1 else "col" if part == "thead" else "row")
        if name == "th"
        else ""
    )
    number = Markup(' class="number"') if cell.is_number else ""
    span = Markup(' colspan="{}"').format(cell.span) if cell.span > 1 else ""
    return Markup("<{0}{1}{2}{3}>{4}</{0}>").format(name, scope, number, span, _runs(cell.runs))


def _runs(runs: Runs) -> Markup:
    return Markup("").join(map(_run, runs))


def _run(run: Run) -> Markup:
    if run.text == BREAK:
        return Markup("<br>")
    text = escape(run.text)
    if run.figure:
        value = "" if run.figure.value is None else str(run.figure.value)
        text = Markup('<data value="{}" data-figure="{}" data-unit="{}">{}</data>').format(value, run.figure.code, run.figure.unit, text)
    for is_so, name in ((run.is_quoted, "bdi"), (run.is_small, "small"), (run.is_strong, "strong")):
        text = Markup("<{0}>{1}</{0}>").format(name, text) if is_so else text
    return text
