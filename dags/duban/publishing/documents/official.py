"""The official document (.docx), laid out as GB/T 9704-2012 asks: an office sends it on as it is.

The folder `official_parts` is the document without its content: paper, styles, fonts by name, page numbers. Everything has a named style
there, so that an office that wants it otherwise changes one style. What is written here is the content, and what depends on it: the size of
the masthead, the widths of columns, where the signature stands.

Where the standard leaves a choice: Latin letters and digits are Times New Roman, as in most offices, and in the title like the rest of it.
22 lines of 28 characters come from the styles (exact line height, letters a little closer): programs disagree about grids.
Every figure lies in a hidden bookmark (Word and WPS show nothing of it); the variables of the document tell the code of each bookmark.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from duban.publishing.documents.fragment import (
    BREAK,
    Cell,
    Heading,
    Listing,
    Paragraph,
    Row,
    Run,
    Runs,
    Table,
    columns,
    flat,
    plain,
    read_fragment,
)
from duban.publishing.documents.letterhead import Letterhead
from duban.publishing.documents.package import pack
from duban.publishing.documents.typesetting import half_widths, title_lines, visible

PARTS = Path(__file__).parent / "official_parts"
#: Twips. The type area is 156 mm wide and holds 22 lines; a character of the text is 16 points.
TYPE_WIDTH, LINE, CHARACTER = 8845, 579, 320
TITLE_SIZE, MASTHEAD_SIZES = 22, (18, 62)
_MASTHEAD_NARROWED_PCT = 80
_MASTHEAD_WIDTH = 8500
_STATUTORY_HEAD_ROOM, _SERIAL_HEAD_ROOM = 1984, 567  # 35 mm above the letters, and 10 mm
_SIGNATURE_FROM_RIGHT = 8  # halves of a character: the date stands four characters from the right
_CELL_MARGINS = 2 * 57 + 15
_HEADER_LINES = 2  # a table whose headers take more is set in smaller letters
_LEAST_ROW, _TABLE_LINE, _WHOLE_TABLE, _WHOLE_LIST = 453, 310, 8000, 3400  # twips
_HEADER_WORD, _NAME = 12, 14  # halves of a character: so much of a header, and of a text, stays on one line if there is room
_TALL_ROW = 14  # lines; a row that is higher may be divided between pages
_NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SECTION = (
    '<w:sectPr><w:headerReference w:type="default" r:id="headerOdd"/><w:headerReference w:type="even" r:id="headerEven"/>'
    '<w:footerReference w:type="default" r:id="footerOdd"/><w:footerReference w:type="even" r:id="footerEven"/>'
    '<w:pgSz w:w="11906" w:h="16838"/>'
    '<w:pgMar w:top="2098" w:right="1474" w:bottom="1984" w:left="1587" w:header="1247" w:footer="1417" w:gutter="0"/>'
    '<w:cols w:space="0"/><w:docGrid w:type="linesAndChars" w:linePitch="579" w:charSpace="-849"/></w:sectPr>'
)


def render_docx(fragment: str, head: Letterhead) -> bytes:
    """The document as a .docx file; same input, same bytes.

    Args:
        fragment: The content, in the grammar of `fragment`.
        head: What stands around it.

    Raises:
        ValueError: the fragment is not in the grammar.
    """
    writing = _Writing()
    body = "".join([*_head(head), *writing.blocks(fragment), *_foot(head)])
    parts = _skeleton()
    label = _paragraph("Label", _run(head.data_label)) if head.data_label else _paragraph("Header")
    header = f"{_XML}<w:hdr {_NAMESPACES}>{label}</w:hdr>".encode()
    parts["word/document.xml"] = f"{_XML}<w:document {_NAMESPACES}><w:body>{body}{_SECTION}</w:body></w:document>".encode()
    parts["word/settings.xml"] = parts["word/settings.xml"].replace(b"<w:docVars/>", writing.variables().encode())
    parts |= {"word/header_odd.xml": header, "word/header_even.xml": header, "docProps/core.xml": _properties(head).encode()}
    return pack(parts)


def _skeleton() -> dict[str, bytes]:
    """The parts of the folder; the list of types must be the first of a package."""
    return dict(_read_skeleton())


@cache
def _read_skeleton() -> tuple[tuple[str, bytes], ...]:
    names = sorted(path.relative_to(PARTS).as_posix() for path in PARTS.rglob("*") if path.is_file())
    return tuple((name, (PARTS / name).read_bytes()) for name in names)


def _properties(head: Letterhead) -> str:
    made = f"{head.made_at_utc.isoformat()}Z"
    author = _text(head.issuer_name)
    return (
        f'{_XML}<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{_text(head.flat_title)}</dc:title><dc:subject>{_text(head.number)}</dc:subject><dc:creator>{author}</dc:creator>"
        f"<cp:lastModifiedBy>{author}</cp:lastModifiedBy>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{made}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{made}</dcterms:modified></cp:coreProperties>'
    )


# ── paragraphs and runs ──────────────────────────────────────────────────────────────────────────────────────────────


def _text(text: str) -> str:
    return escape(visible(text))


def _run(text: str, properties: str = "", style: str = "") -> str:
    """Text; the hint makes quotation marks and dashes Chinese ones. `properties` are those that follow the font in the schema."""
    named = f'<w:rStyle w:val="{style}"/>' if style else ""
    return f'<w:r><w:rPr>{named}<w:rFonts w:hint="eastAsia"/>{properties}</w:rPr><w:t xml:space="preserve">{_text(text)}</w:t></w:r>'


def _paragraph(style: str, content: str = "", properties: str = "") -> str:
    """A paragraph; `properties` in the order of the schema."""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{properties}</w:pPr>{content}</w:p>'


_BREAK, _KEPT = "<w:r><w:br/></w:r>", "<w:keepNext/>"


# ── head and foot ────────────────────────────────────────────────────────────────────────────────────────────────────


def _head(head: Letterhead) -> Iterable[str]:
    yield _masthead(head)
    if head.is_statutory:
        yield _paragraph("Number", _run(head.number), f'<w:spacing w:before="{2 * LINE}"/>')
    else:
        yield _paragraph("Number", _run(head.number), f'<w:spacing w:before="{LINE // 2}"/>')
        yield _paragraph("Imprint", f"{_run(f'{head.issuer_name}编')}<w:r><w:tab/></w:r>{_run(head.issued)}")
    yield _paragraph("RedLine")
    lines = title_lines(visible(head.title), 2 * TYPE_WIDTH // (20 * TITLE_SIZE))
    yield _paragraph("Title", _BREAK.join(map(_run, lines)))
    if head.is_statutory and head.recipients:
        yield _paragraph("Recipients", _run(f"{head.recipients}："))


def _masthead(head: Letterhead) -> str:
    """As large as fits on one line, and no larger than 22 mm; the letters narrower than high."""
    width = 2 * _MASTHEAD_WIDTH * 100 // _MASTHEAD_NARROWED_PCT // max(1, half_widths(head.masthead)) // 20
    size = max(MASTHEAD_SIZES[0], min(MASTHEAD_SIZES[1], width))
    room = _STATUTORY_HEAD_ROOM if head.is_statutory else _SERIAL_HEAD_ROOM
    properties = f'<w:w w:val="{_MASTHEAD_NARROWED_PCT}"/><w:sz w:val="{2 * size}"/><w:szCs w:val="{2 * size}"/>'
    return _paragraph(
        "Masthead", _run(head.masthead, properties), f'<w:spacing w:before="{room}" w:line="{size * 24}" w:lineRule="exact"/>'
    )


def _foot(head: Letterhead) -> Iterable[str]:
    if head.is_statutory:
        from_right = _SIGNATURE_FROM_RIGHT * 2 + half_widths(head.issued) - half_widths(head.issuer_name)  # twice the halves
        issuer, day = max(0, from_right), max(2 * _SIGNATURE_FROM_RIGHT, half_widths(head.issuer_name) - half_widths(head.issued))
        yield _paragraph("Signature", _run(head.issuer_name), f'<w:ind w:right="{issuer * CHARACTER // 4}"/>')
        yield _paragraph("IssueDate", _run(head.issued), f'<w:ind w:right="{day * CHARACTER // 4}"/>')
    if head.is_statutory or head.distribution:
        yield _colophon(head)
    yield _paragraph("Anchor")


def _colophon(head: Letterhead) -> str:
    """版记, at the foot of the page that the text ends on."""
    indent = 280  # one character of its own 14 points
    rows = []
    for kind, whom in head.distribution:
        hanging = indent + 3 * 280
        rows.append(
            _paragraph(
                "Colophon", _run(f"{kind}：{whom.rstrip('。')}。"), f'<w:ind w:left="{hanging}" w:right="{indent}" w:hanging="840"/>'
            )
        )
    tab = f'<w:tabs><w:tab w:val="right" w:pos="{TYPE_WIDTH - indent}"/></w:tabs><w:ind w:left="{indent}" w:right="{indent}"/>'
    rows.append(_paragraph("Colophon", f"{_run(head.issuer_name)}<w:r><w:tab/></w:r>{_run(f'{head.issued}印发')}", tab))
    cells = "".join(
        f'<w:tr><w:trPr><w:cantSplit/></w:trPr><w:tc><w:tcPr><w:tcW w:w="{TYPE_WIDTH}" w:type="dxa"/></w:tcPr>{row}</w:tc></w:tr>'
        for row in rows
    )
    return (
        '<w:tbl><w:tblPr><w:tblStyle w:val="ColophonTable"/>'
        '<w:tblpPr w:leftFromText="0" w:rightFromText="0" w:vertAnchor="margin" w:horzAnchor="page" w:tblpX="1587" w:tblpYSpec="bottom"/>'
        f'<w:tblW w:w="{TYPE_WIDTH}" w:type="dxa"/><w:tblLayout w:type="fixed"/></w:tblPr>'
        f'<w:tblGrid><w:gridCol w:w="{TYPE_WIDTH}"/></w:tblGrid>{cells}</w:tbl>'
    )


# ── content ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Writing:
    """Writes the blocks and remembers the figures in them."""

    def __init__(self) -> None:
        self._codes: list[str] = []

    def variables(self) -> str:
        """Which code each bookmark stands for."""
        known = "".join(f'<w:docVar w:name="_f{number}" w:val={quoteattr(code)}/>' for number, code in enumerate(self._codes, start=1))
        return f"<w:docVars>{known}</w:docVars>" if known else ""

    def blocks(self, fragment: str) -> Iterable[str]:
        """The content of the document; its end stays on the page of what follows, so that a signature never stands alone."""
        blocks = list(flat(read_fragment(fragment)))
        for number, block in enumerate(blocks, start=1):
            kept = _KEPT if number == len(blocks) else ""
            match block:
                case Heading(level, runs):
                    yield _paragraph(f"Heading{level - 1}", self._runs(runs))
                case Paragraph(runs, is_note):
                    yield _paragraph("Note" if is_note else "Body", self._runs(runs), kept)
                case Listing():
                    items = list(block.marked)
                    for place, runs in enumerate(items, start=1):
                        yield _paragraph("Body", self._runs(runs), kept if place == len(items) else "")
                case Table():
                    yield from self._table(block, is_last=bool(kept))

    def _runs(self, runs: Runs, small: str = "Small") -> str:
        return "".join(
            self._marked(run, _BREAK if run.text == BREAK else _run(run.text, _bold(run), small if run.is_small else "")) for run in runs
        )

    def _marked(self, run: Run, written: str) -> str:
        if run.figure is None:
            return written
        self._codes.append(run.figure.code)
        number = len(self._codes)
        return f'<w:bookmarkStart w:id="{number}" w:name="_f{number}"/>{written}<w:bookmarkEnd w:id="{number}"/>'

    def _table(self, table: Table, *, is_last: bool) -> Iterable[str]:
        if table.caption:
            yield _paragraph("Caption", self._runs(table.caption))
        layout = _Layout(table, is_last=is_last)
        grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in layout.widths)
        rows = [
            self._row(row, layout, is_head=number < len(table.head), is_kept=number in layout.kept) for number, row in enumerate(table.rows)
        ]
        yield (
            f'<w:tbl><w:tblPr><w:tblStyle w:val="OfficialTable"/><w:tblW w:w="{TYPE_WIDTH}" w:type="dxa"/><w:jc w:val="center"/>'
            f'<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{"".join(rows)}</w:tbl>'
        )

    def _row(self, row: Row, layout: "_Layout", *, is_head: bool, is_kept: bool) -> str:
        whole = "<w:cantSplit/>" if layout.lines(row) <= _TALL_ROW else ""
        repeated = "<w:tblHeader/>" if is_head else ""
        cells = "".join(self._cell(place, cell, layout, is_head=is_head, is_kept=is_kept) for place, cell in columns(row))
        return f'<w:tr><w:trPr>{whole}<w:trHeight w:val="397" w:hRule="atLeast"/>{repeated}</w:trPr>{cells}</w:tr>'

    def _cell(self, place: int, cell: Cell, layout: "_Layout", *, is_head: bool, is_kept: bool) -> str:
        span = f'<w:gridSpan w:val="{cell.span}"/>' if cell.span > 1 else ""
        style, runs = (layout.head_style, layout.header(place, cell)) if is_head else (layout.style, cell.runs)
        properties = f"{_KEPT if is_kept else ''}{'' if is_head else layout.alignment(place, cell)}"
        return (
            f'<w:tc><w:tcPr><w:tcW w:w="{layout.width(place, cell)}" w:type="dxa"/>{span}<w:vAlign w:val="center"/></w:tcPr>'
            f"{_paragraph(style, self._runs(runs, small='TableSmallest'), properties)}</w:tc>"
        )


def _bold(run: Run) -> str:
    return "<w:b/><w:bCs/>" if run.is_strong else ""


class _Layout:
    """How a table fills the type area: size of its letters, widths of its columns in twips, alignment of its cells, what stays together."""

    def __init__(self, table: Table, *, is_last: bool):
        self._table = table
        self._use("TableText", "TableHead", half=105)
        if (
            any(self._lines(place, cell) > _HEADER_LINES for row in table.head for place, cell in columns(row))
            or sum(self._least) > TYPE_WIDTH
        ):
            self._use("TableSmall", "TableHeadSmall", half=90)
        last = len(table.rows) - 1
        lines = [self.lines(row) for row in table.rows]
        height = sum(max(_LEAST_ROW, count * _TABLE_LINE) for count in lines)
        is_list = max(lines[len(table.head) :], default=1) > 1
        is_whole = height < (_WHOLE_LIST if is_list else _WHOLE_TABLE)
        # Neither the first rows nor the last one stand alone on a page; what is read by comparing rows stays whole longer than a list.
        self.kept = set(range(last if is_whole else len(table.head) + 2)) | ({last - 1, last} if is_last else {last - 1})

    def _use(self, style: str, head_style: str, half: int) -> None:
        """Set the table in letters half of which are `half` twips wide."""
        self.style, self.head_style, self._half = style, head_style, half
        count = len(self._table.widths)
        self._numbers, self._texts, self._least = [0] * count, [0] * count, [0] * count
        for number, row in enumerate(self._table.rows):
            for place, cell in columns(row):
                width = half_widths(plain(cell.runs)) * half
                if cell.span > 1:
                    continue
                if number < len(self._table.head):
                    word = max(map(half_widths, plain(cell.stacked).split(BREAK)))
                    self._least[place] = max(self._least[place], min(word, _HEADER_WORD) * half + _CELL_MARGINS)
                elif cell.is_number:
                    self._numbers[place] = max(self._numbers[place], width if _has_digits(cell) else 0)
                    self._least[place] = max(self._least[place], width + _CELL_MARGINS)
                else:
                    self._texts[place] = max(self._texts[place], width)
                    self._least[place] = max(self._least[place], min(width, _NAME * half) + _CELL_MARGINS)
        self.widths = _fitted(self._table.widths, self._least)

    def width(self, place: int, cell: Cell) -> int:
        """Width of a cell in twips."""
        return sum(self.widths[place : place + cell.span])

    def lines(self, row: Row) -> int:
        """How many lines the highest cell of a row takes, about."""
        return max(self._lines(place, cell) for place, cell in columns(row))

    def header(self, place: int, cell: Cell) -> Runs:
        """What a header says, on two lines if it does not fit on one."""
        return cell.stacked if self._lines(place, cell) > 1 else cell.runs

    def alignment(self, place: int, cell: Cell) -> str:
        """Numbers end below each other in the middle of their column; texts stand in the middle if all of a column fit on a line."""
        inner = self.width(place, cell) - _CELL_MARGINS
        if cell.is_number and _has_digits(cell):
            return f'<w:ind w:right="{max(0, inner - self._numbers[place]) // 2}"/><w:jc w:val="right"/>'
        is_alone = cell.span > 1 or cell.is_number
        widest = half_widths(plain(cell.runs)) * self._half if is_alone else self._texts[place]
        return '<w:jc w:val="center"/>' if widest <= inner else ""

    def _lines(self, place: int, cell: Cell) -> int:
        return -(-half_widths(plain(cell.runs)) * self._half // (self.width(place, cell) - _CELL_MARGINS))


def _has_digits(cell: Cell) -> bool:
    return any(map(str.isdigit, plain(cell.runs)))


def _fitted(weights: Sequence[int], least: Sequence[int]) -> list[int]:
    """Widths that fill the type area by their weights; one below its least is raised at the cost of those that can give."""
    widths = [max(TYPE_WIDTH * weight // sum(weights), need) for weight, need in zip(weights, least, strict=True)]
    excess = sum(widths) - TYPE_WIDTH
    spare = [width - need for width, need in zip(widths, least, strict=True)]
    if excess > 0 and sum(spare) > excess:
        widths = [width - excess * free // sum(spare) for width, free in zip(widths, spare, strict=True)]
    elif excess > 0:
        widths = [TYPE_WIDTH * need // sum(least) for need in least]
    widest = widths.index(max(widths))
    widths[widest] += TYPE_WIDTH - sum(widths)
    return widths
