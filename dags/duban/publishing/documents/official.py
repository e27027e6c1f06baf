"""The official document (.docx), laid out as GB/T 9704-2012 asks: an office sends it on as it is.

The folder `official_parts` is the document without its content: paper, styles, fonts by name, page numbers. Everything has a named style
there, so that an office that wants it otherwise changes one style. python-docx opens it; what is written here is the content, and what
depends on it: the size of the masthead, the widths of columns, where the signature stands.

Where the standard leaves a choice: Latin letters and digits are Times New Roman, as in most offices, and in the title like the rest of it.
22 lines of 28 characters come from the styles (exact line height, letters a little closer): programs disagree about grids.
Every figure lies in a hidden bookmark (Word and WPS show nothing of it); the variables of the document tell the code of each bookmark.
"""

import io
from collections.abc import Sequence
from functools import cache
from itertools import count
from pathlib import Path

import docx
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Pt, Twips
from docx.table import Table, _Row
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from duban.publishing.documents import fragment as content
from duban.publishing.documents.fragment import BREAK, Block, Cell, Heading, Listing, Row, Runs, Section, columns, plain, read_fragment
from duban.publishing.documents.letterhead import Letterhead
from duban.publishing.documents.package import pack, repack
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
_ROW_HEIGHT = Twips(397)
_HEADER_WORD, _NAME = 12, 14  # halves of a character: so much of a header, and of a text, stays on one line if there is room
_TALL_ROW = 14  # lines; a row that is higher may be divided between pages
_PROPERTY_LENGTH = 255  # characters; more the properties of a file do not hold


def render_docx(fragment: str, head: Letterhead) -> bytes:
    """The document as a .docx file; same input, same bytes.

    Args:
        fragment: The content, in the grammar of `fragment`.
        head: What stands around it.

    Raises:
        ValueError: the fragment is not in the grammar.
    """
    writing = _Writing()
    writing.head(head)
    writing.blocks(read_fragment(fragment), is_followed=True)
    writing.foot(head)
    return writing.save(head)


@cache
def _skeleton() -> bytes:
    """The parts of the folder as a document; the list of types must be the first of a package."""
    names = sorted(path.relative_to(PARTS).as_posix() for path in PARTS.rglob("*") if path.is_file())
    return pack({name: (PARTS / name).read_bytes() for name in names})


def _element(name: str, /, **attributes: str | int) -> BaseOxmlElement:
    """An element of a kind that python-docx has no word for."""
    return OxmlElement(f"w:{name}", {qn(f"w:{key}"): str(value) for key, value in attributes.items()})


def _say(paragraph: Paragraph, text: str) -> Run:
    """Adds text, in which tabs and line breaks are such, to a paragraph; the hint makes quotation marks and dashes Chinese ones."""
    run = paragraph.add_run(visible(text))
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:hint"), "eastAsia")
    return run


class _Writing:
    """A document on its way."""

    def __init__(self) -> None:
        self._document = docx.Document(io.BytesIO(_skeleton()))
        self._styles = {style.style_id: style for style in self._document.styles}
        self._variables = self._document.settings.element.find(qn("w:docVars"))
        self._numbers = count(1)

    def save(self, head: Letterhead) -> bytes:
        """The finished document."""
        properties = self._document.core_properties
        properties.title, properties.subject = (visible(text)[:_PROPERTY_LENGTH] for text in (head.flat_title, head.number))
        properties.author = properties.last_modified_by = visible(head.issuer_name)[:_PROPERTY_LENGTH]
        properties.created = properties.modified = head.made_at_utc
        saved = io.BytesIO()
        self._document.save(saved)
        return repack(saved)

    def _paragraph(self, style: str, text: str = "") -> Paragraph:
        paragraph = self._document.add_paragraph(style=self._styles[style])
        if text:
            _say(paragraph, text)
        return paragraph

    # ── head and foot ────────────────────────────────────────────────────────────────────────────────────────────────

    def head(self, head: Letterhead) -> None:
        """What stands above the content, and on every page."""
        if head.data_label:
            [section] = self._document.sections
            for header in (section.header, section.even_page_header):
                _say(header.paragraphs[0], head.data_label)
        self._masthead(head)
        number = self._paragraph("Number", head.number)
        number.paragraph_format.space_before = Twips(2 * LINE if head.is_statutory else LINE // 2)
        if not head.is_statutory:
            self._paragraph("Imprint", f"{head.issuer_name}编\t{head.issued}")
        self._paragraph("RedLine")
        self._paragraph("Title", BREAK.join(title_lines(visible(head.title), 2 * TYPE_WIDTH // (20 * TITLE_SIZE))))
        if head.is_statutory and head.recipients:
            self._paragraph("Recipients", f"{head.recipients}：")

    def _masthead(self, head: Letterhead) -> None:
        """As large as fits on one line, and no larger than 22 mm; the letters narrower than high."""
        width = 2 * _MASTHEAD_WIDTH * 100 // _MASTHEAD_NARROWED_PCT // max(1, half_widths(head.masthead)) // 20
        size = max(MASTHEAD_SIZES[0], min(MASTHEAD_SIZES[1], width))
        masthead = self._paragraph("Masthead")
        masthead.paragraph_format.space_before = Twips(_STATUTORY_HEAD_ROOM if head.is_statutory else _SERIAL_HEAD_ROOM)
        masthead.paragraph_format.line_spacing = Twips(size * 24)
        run = _say(masthead, head.masthead)
        run.font.size = Pt(size)
        run._r.rPr.rFonts.addnext(_element("w", val=_MASTHEAD_NARROWED_PCT))

    def foot(self, head: Letterhead) -> None:
        """What stands below the content."""
        if head.is_statutory:
            from_right = _SIGNATURE_FROM_RIGHT * 2 + half_widths(head.issued) - half_widths(head.issuer_name)  # twice the halves
            issuer, day = max(0, from_right), max(2 * _SIGNATURE_FROM_RIGHT, half_widths(head.issuer_name) - half_widths(head.issued))
            self._paragraph("Signature", head.issuer_name).paragraph_format.right_indent = Twips(issuer * CHARACTER // 4)
            self._paragraph("IssueDate", head.issued).paragraph_format.right_indent = Twips(day * CHARACTER // 4)
        if head.is_statutory or head.distribution:
            self._colophon(head)
        self._paragraph("Anchor")

    def _colophon(self, head: Letterhead) -> None:
        """版记, at the foot of the page that the text ends on."""
        lines = [("Colophon", f"{kind}：{whom.rstrip('。')}。") for kind, whom in head.distribution]
        lines.append(("ColophonIssuer", f"{head.issuer_name}\t{head.issued}印发"))
        table = self._grid(len(lines), 1, "ColophonTable")
        place = {"leftFromText": 0, "rightFromText": 0, "vertAnchor": "margin", "horzAnchor": "page", "tblpX": 1587, "tblpYSpec": "bottom"}
        table._tbl.tblPr.tblStyle.addnext(_element("tblpPr", **place))
        for row, (style, text) in zip(table.rows, lines, strict=True):
            row._tr.get_or_add_trPr().append(_element("cantSplit"))
            [paragraph] = row.cells[0].paragraphs
            paragraph.style = self._styles[style]
            _say(paragraph, text)

    # ── content ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def blocks(self, blocks: Sequence[Block], *, is_followed: bool) -> None:
        """The content of the document. If something follows that must not stand alone, like a signature, the end stays on its page."""
        for number, block in enumerate(blocks, start=1):
            is_kept = is_followed and number == len(blocks)
            match block:
                case Section(classes, inner) if "correction" in classes:
                    self._paragraph("CorrectionBegin")
                    self.blocks(inner, is_followed=True)
                    self._paragraph("CorrectionEnd").paragraph_format.keep_with_next = is_kept or None
                case Section(_, inner):
                    self.blocks(inner, is_followed=is_kept)
                case Heading(level, runs):
                    self._runs(self._paragraph(f"Heading{level - 1}"), runs)
                case content.Paragraph(runs, is_note):
                    self._text("Note" if is_note else "Body", runs, is_kept=is_kept)
                case Listing(_, items):
                    for place, runs in enumerate(block.marked, start=1):
                        self._text("Body", runs, is_kept=is_kept and place == len(items))
                case content.Table():
                    self._table(block, is_kept=is_kept)

    def _text(self, style: str, runs: Runs, *, is_kept: bool) -> None:
        paragraph = self._paragraph(style)
        paragraph.paragraph_format.keep_with_next = is_kept or None
        self._runs(paragraph, runs)

    def _runs(self, paragraph: Paragraph, runs: Runs, small: str = "Small") -> None:
        for run in runs:
            written = _say(paragraph, run.text)
            written.bold = run.is_strong or None
            if run.is_small:
                written.style = self._styles[small]
            if run.figure:
                self._mark(written, run.figure.code)

    def _mark(self, run: Run, code: str) -> None:
        number = next(self._numbers)
        name = f"_f{number}"
        self._variables.append(_element("docVar", name=name, val=code))
        run._r.addprevious(_element("bookmarkStart", id=number, name=name))
        run._r.addnext(_element("bookmarkEnd", id=number))

    # ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _grid(self, row_count: int, column_count: int, style: str) -> Table:
        table = self._document.add_table(row_count, column_count)
        table.style, table.autofit = self._styles[style], False
        return table

    def _table(self, table: content.Table, *, is_kept: bool) -> None:
        if table.caption:
            self._runs(self._paragraph("Caption"), table.caption)
        layout = _Layout(table, is_last=is_kept)
        written = self._grid(len(table.rows), len(table.widths), "OfficialTable")
        written.alignment = WD_TABLE_ALIGNMENT.CENTER
        for column, width in zip(written.columns, layout.widths, strict=True):
            column.width = Twips(width)
        for number, (row, line) in enumerate(zip(table.rows, written.rows, strict=True)):
            self._row(row, line, layout, is_head=number < len(table.head), is_kept=number in layout.kept)

    def _row(self, row: Row, written: _Row, layout: "_Layout", *, is_head: bool, is_kept: bool) -> None:
        written.height, written.height_rule = _ROW_HEIGHT, WD_ROW_HEIGHT_RULE.AT_LEAST
        if layout.lines(row) <= _TALL_ROW:
            written._tr.trPr.append(_element("cantSplit"))
        if is_head:
            written._tr.trPr.append(_element("tblHeader"))
        cells = written.cells
        for place, cell in columns(row):
            target = cells[place] if cell.span == 1 else cells[place].merge(cells[place + cell.span - 1])
            target.width, target.vertical_alignment = Twips(layout.width(place, cell)), WD_CELL_VERTICAL_ALIGNMENT.CENTER
            [paragraph] = target.paragraphs
            paragraph.style = self._styles[layout.head_style if is_head else layout.style]
            paragraph.paragraph_format.keep_with_next = is_kept or None
            if not is_head:
                layout.align(paragraph, place, cell)
            self._runs(paragraph, layout.header(place, cell) if is_head else cell.runs, small="TableSmallest")


class _Layout:
    """How a table fills the type area: size of its letters, widths of its columns in twips, alignment of its cells, what stays together."""

    def __init__(self, table: content.Table, *, is_last: bool):
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

    def align(self, paragraph: Paragraph, place: int, cell: Cell) -> None:
        """Numbers end below each other in the middle of their column; texts stand in the middle if all of a column fit on a line."""
        inner, shape = self.width(place, cell) - _CELL_MARGINS, paragraph.paragraph_format
        if cell.is_number and _has_digits(cell):
            shape.alignment, shape.right_indent = WD_ALIGN_PARAGRAPH.RIGHT, Twips(max(0, inner - self._numbers[place]) // 2)
            return
        is_alone = cell.span > 1 or cell.is_number
        if (half_widths(plain(cell.runs)) * self._half if is_alone else self._texts[place]) <= inner:
            shape.alignment = WD_ALIGN_PARAGRAPH.CENTER

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
