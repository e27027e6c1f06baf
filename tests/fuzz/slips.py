"""Return slips of polluted files: what must stand on them, and their correction as a clerk does it, cell by cell."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.worksheet.worksheet import Worksheet

from tests.conftest import Office
from tests.fuzz.ledgers import (
    FACTOR,
    FUZZED,
    TEXTS,
    XLS,
    Break,
    DayNumber,
    Fault,
    Formula,
    LedgerFile,
    Percentage,
    Row,
    Sheet,
    Yuan,
)
from tests.fuzz.outcomes import Results, expected_counts, expected_rejections, read_results, row_differences, told_cell
from tests.fuzz.writing import Grid, grid_of, text_of

WRONG_FILL = "FFFFC7CE"
EXPLANATION, REASON = "退回说明", "退回原因"
MAX_ROUNDS = 4
Cells = dict[str, dict[tuple[int, int], Any]]  # by sheet, then by 1-based row and column


# ── what must stand on a slip ────────────────────────────────────────────────────────────────────────────────────────


def slip_of(office: Office, unit: str, submission_id: str) -> openpyxl.Workbook:
    """The slip of a submission."""
    [path] = office.returned(unit, submission_id).glob("*.xlsx")
    return openpyxl.load_workbook(path)


def sent_cells(file: LedgerFile) -> Cells:
    """The cells of a file as its slip must show them."""
    return {sheet.name: _shown(file, sheet, grid_of(file, sheet)) for sheet in file.sheets}


def cells_of(workbook: openpyxl.Workbook) -> Cells:
    """The cells of a workbook, without those that Duban added."""
    return {
        sheet.title: {
            (cell.row, cell.column): cell.value
            for row in sheet.iter_rows()
            for cell in row
            if cell.value is not None and cell.column != reason_column(sheet)
        }
        for sheet in workbook
        if sheet.title != EXPLANATION
    }


def _shown(file: LedgerFile, sheet: Sheet, grid: Grid) -> dict[tuple[int, int], Any]:
    rows = {row.no: row for row in sheet.rows}
    shown = {}
    for number, cells in enumerate(grid.rows, start=1):
        row = rows.get(number)
        if row and row.line:
            continue  # only the text of the line is left, in its first cell
        if row and row.surplus is not None:
            cells = {**cells, sheet.left + len(sheet.columns): f"（多出的格）{row.surplus}"}
        for position, content in cells.items():
            value = _shown_cell(file, content)
            if value not in {None, ""}:
                shown[number, position + 1] = value
    return shown


def _shown_cell(file: LedgerFile, content: Any) -> Any:
    """A cell as openpyxl must read it from the slip."""
    if file.kind in TEXTS:
        return _legal(text_of(content))
    match content:
        case Formula(_, None):
            return "（未计算的公式）" if file.kind == XLS else None
        case Formula(_, result):
            return float(result)
        case Fault(text):
            return text
        case Percentage(value):
            return float(value / 100)
        case Decimal() | DayNumber():
            text = text_of(content, uses_1904=file.uses_1904)
            return text if file.kind == XLS and len(text.replace(".", "").lstrip("-")) > 15 else float(text)
        case bool():
            return content if file.kind != XLS else text_of(content)
        case str() if file.kind == XLS:
            return _legal(content)
        case _:
            return content


def slip_differences(
    file: LedgerFile, slip: openpyxl.Workbook, cells: Cells, rejections: Sequence[Mapping[str, Any]], receipt: Mapping[str, Any]
) -> Iterator[str]:
    """Everything in which a slip is not what it must be. `cells` are those that were sent, `rejections` the lines of the warehouse."""
    if slip.sheetnames[0] != EXPLANATION:
        yield f"the first sheet is {slip.sheetnames[0]}"
    listed = [(entry["sheet"], entry["row_no"], entry["rule_id"], entry["column_name"], entry["cell"]) for entry in receipt["rejections"]]
    if listed != [(entry["sheet"], entry["row_no"], entry["rule_id"], entry["column_name"], entry["cell"]) for entry in rejections]:
        yield "the receipt lists other messages than the warehouse"
    explained = [[cell.value or "" for cell in row[1:]] for row in slip[EXPLANATION].iter_rows() if str(row[0].value).isdigit()]
    wanted = [
        [
            entry["sheet"],
            str(entry["row_no"] or ""),
            entry["column_name"] or "",
            entry["cell"] or "",
            entry["value_masked"] or ("（空）" if entry["row_no"] else ""),
            entry["rule_id"],
            entry["reason"],
            entry["how_to_fix"],
        ]
        for entry in rejections
    ]
    if [row[: len(wanted[0])] for row in explained] != [
        [_legal(re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "\ufffd", text)) for text in row] for row in wanted
    ]:
        yield f"the explanation says {explained}, not {wanted}"
    shown_again = [name for name, _ in file.hidden_sheets if name in slip.sheetnames and slip[name].sheet_state == "visible"]
    if shown_again:
        yield f"hidden sheets are shown: {shown_again}"
    for sheet in file.sheets if file.is_read else ():
        if sheet.name not in slip.sheetnames:
            yield f"sheet {sheet.name} is missing"
            continue
        mine = [entry for entry in rejections if entry["sheet"] == sheet.name]
        yield from _sheet_differences(file, sheet, slip[sheet.name], cells[sheet.name], mine)


def _legal(text: str) -> str:
    """Text as a workbook notes it: control characters and what looks like their notation are escaped, what is no character is U+FFFD."""
    text = re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    text = re.sub("[\x00-\x08\x0b-\x1f]", lambda match: f"_x{ord(match[0]):04X}_", text)
    return re.sub("[\ufffe\uffff]", "\ufffd", text)


def _sheet_differences(
    file: LedgerFile, sheet: Sheet, shown: Worksheet, cells: Mapping[tuple[int, int], Any], rejections: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    reasons = reason_column(shown)
    found = {
        (cell.row, cell.column): cell.value
        for row in shown.iter_rows()
        for cell in row
        if cell.value is not None and cell.column != reasons
    }
    lines = {row.no for row in sheet.rows if row.line}
    # A day in place of a number is shown as text: a number typed into its cell would become a day as well.
    days = {(entry["row_no"], shown[entry["cell"]].column) for entry in rejections if entry["rule_id"] == "R03"}
    cells = {place: value.isoformat()[:10] if place in days and isinstance(value, date) else value for place, value in cells.items()}
    for place in sorted(set(found) | set(cells)):
        if place[0] not in lines and not _same(found.get(place), cells.get(place)):
            yield f"{shown.cell(*place).coordinate} holds {found.get(place)!r}, not {cells.get(place)!r}"
    for cells_of_row in shown.iter_rows():
        for cell in cells_of_row:
            if cell.data_type == "f" or cell.hyperlink is not None:
                yield f"{cell.coordinate} acts"
    told = {top_left(shown, entry["cell"]) for entry in rejections if entry["cell"]}
    commented = {cell.coordinate for row in shown.iter_rows() for cell in row if cell.comment}
    coloured = {
        cell.coordinate for row in shown.iter_rows() for cell in row if cell.fill.fgColor.rgb == WRONG_FILL and cell.value != REASON
    }
    if not commented == coloured == told:
        yield f"commented {commented ^ told}, coloured {coloured ^ told} besides the cells that are told"
    for entry in rejections:
        if entry["cell"] and entry["rule_id"] not in shown[top_left(shown, entry["cell"])].comment.text:
            yield f"the comment of {entry['cell']} does not name {entry['rule_id']}"
    rows = {entry["row_no"] for entry in rejections if entry["row_no"]}
    if reasons is None:
        if rows:
            yield "there is no column of reasons"
        return
    for number in range(sheet.header_no + 1, shown.max_row + 1):
        text = shown.cell(number, reasons).value
        if bool(text) != (number in rows):
            yield f"row {number}: the reason is {text!r}"
        for entry in rejections:
            if entry["row_no"] == number and f"（{entry['rule_id']}）" not in (text or ""):
                yield f"row {number}: the reason does not name {entry['rule_id']}"


def reason_column(shown: Worksheet) -> int | None:
    """1-based column of the reasons."""
    return next((cell.column for row in shown.iter_rows() for cell in row if cell.value == REASON), None)


def top_left(shown: Worksheet, where: str) -> str:
    """Where a cell shows: itself, or the first one of its merged area."""
    if isinstance(shown[where], MergedCell):
        area = next(area for area in shown.merged_cells.ranges if where in area)
        return shown.cell(area.min_row, area.min_col).coordinate
    return where


def _same(found: Any, sent: Any) -> bool:
    if isinstance(sent, datetime) and isinstance(found, datetime):
        return found.date() == sent.date()
    if isinstance(sent, date) and isinstance(found, datetime):
        return found.date() == sent
    if isinstance(sent, int | float) and not isinstance(sent, bool) and isinstance(found, int | float):
        return float(f"{found:.15g}") == float(f"{sent:.15g}")
    return found == sent and type(found) is type(sent)


# ── correcting ───────────────────────────────────────────────────────────────────────────────────────────────────────


def can_be_corrected(file: LedgerFile) -> bool:
    """True when there is something on the slip that a clerk can put right (a file that cannot be read is sent anew)."""
    if not file.faults:
        return any(row.told for row in file.rows)
    return len(file.faults) > 0 and all(rule in {"S03", "S04", "S05", "S06"} or where == "date" for rule, _, where in file.faults)


def correct(file: LedgerFile, slip: openpyxl.Workbook) -> bytes:
    """The slip with the right content in exactly the cells that are told; rows and file then know that they are corrected."""
    if file.faults:
        _correct_file(file, slip)
    else:
        for sheet in file.sheets:
            told = [(row, entry, told_cell(sheet, row, entry)) for row in sheet.rows for entry in row.told]
            for row, entry, where in told:
                _correct_cell(sheet, slip[sheet.name], row, entry, where)
            for row, entry, _ in told:
                row.breaks.remove(entry)
    buffer = io.BytesIO()
    slip.save(buffer)
    return buffer.getvalue()


def _correct_cell(sheet: Sheet, shown: Worksheet, row: Row, entry: Break, where: str | None) -> None:
    if entry.rule == "R11":
        shown[where].value = None
        for title in sheet.columns:
            content = sheet.own[title](row) if title in sheet.own else row.right[title][0]
            _type(shown.cell(row.no, sheet.position(title) + 1), content, sheet.unit)
        row.line = row.surplus = None
        for title in row.right:
            row.correct(title)
        return
    row.correct(entry.title)
    if where is None:
        _add_column(sheet, shown, entry.title)
        where = told_cell(sheet, row, entry)
    _type(shown[top_left(shown, where)], row.right[entry.title][0], sheet.unit)


def _add_column(sheet: Sheet, shown: Worksheet, title: str) -> None:
    """The sender adds a column at the right, behind the reasons."""
    if title in sheet.columns:
        return
    column = shown.max_column
    while sheet.left + len(sheet.columns) < column:
        sheet.own[f"#{len(sheet.columns)} "] = lambda row: None
        sheet.columns.append(f"#{len(sheet.columns)} ")
    sheet.columns.append(title)
    shown.cell(sheet.header_no, column + 1).value = sheet.header(title)


def _type(cell: Cell, content: Any, unit: str) -> None:
    """Type into a cell as a clerk does: the format of the cell stays, unless it is none."""
    match content:
        case Yuan(yuan):
            cell.value = float(yuan / FACTOR[unit])
        case Decimal():
            cell.value = float(content) / (100 if "%" in cell.number_format else 1)
        case date():
            kept = cell.number_format
            cell.value = content
            if kept != "General":
                cell.number_format = kept
        case _:
            cell.value = content
            if isinstance(content, str):
                cell.data_type = "s"


def _correct_file(file: LedgerFile, slip: openpyxl.Workbook) -> None:
    for rule, title, where in file.faults:
        for sheet in file.sheets:
            shown = slip[sheet.name]
            if rule == "S06":
                for row in sheet.rows:
                    row.cells["乡镇"] = row.right["乡镇"][0]
                    shown.cell(row.no, sheet.position("乡镇") + 1).value = row.cells["乡镇"]
            elif where == "date" and sheet.has_date:
                found = next(cell for row in shown.iter_rows() for cell in row if str(cell.value).startswith("填报日期"))
                found.value = f"填报日期：{file.report_on}"
            elif rule == "S03" and title not in sheet.columns and title in FUZZED[sheet.ledger].titles:
                _add_column(sheet, shown, title)
                for row in sheet.rows:
                    _type(shown.cell(row.no, sheet.position(title) + 1), row.cells[title], sheet.unit)
            elif rule == "S04" and f"{title}#2" in sheet.columns:
                shown.cell(sheet.header_no, sheet.position(f"{title}#2") + 1).value = "另一列"
            elif rule == "S05" and title in sheet.columns:
                sheet.unit_stands = "header"
                shown.cell(sheet.header_no, sheet.position(title) + 1).value = sheet.header(title)
    file.faults, file.findings = [], set()


# ── rounds of correction ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Chain:
    """A file on its way to being right: its submissions, and what was sent with the last one."""

    file: LedgerFile
    submissions: list[dict[str, Any]]
    cells: Cells

    @property
    def is_open(self) -> bool:
        """True when something still waits for correction."""
        return bool(self.file.faults) or any(row.told for row in self.file.rows)


Deliver = Callable[[bytes], bytes]


def start(file: LedgerFile, results: Results) -> Chain:
    """The chain that begins with a file that was sent back, wholly or in part."""
    return Chain(file, [results.submissions[file.sender.code, file.name]], sent_cells(file))


def correct_all(office: Office, chains: Sequence[Chain], deliver: Deliver | None = None, extension: str = "xlsx") -> Iterator[str]:
    """Correct the slips and send them back until nothing is told any more; yields what is not as it must be.

    `deliver` may turn the bytes of a slip into those that another program makes of it.
    """
    for number in range(1, MAX_ROUNDS + 1):
        waiting = [chain for chain in chains if chain.is_open]
        if not waiting:
            break
        before = {id(chain): _take_up(office, chain, f"改{number}-{chain.file.number:05d}.{extension}", deliver) for chain in waiting}
        office.ingest()
        results = read_results(office)
        for chain in waiting:
            name = f"改{number}-{chain.file.number:05d}.{extension}"
            for said in _round_differences(office, chain, name, before[id(chain)], results, is_same_program=deliver is None):
                yield f"{chain.file.name} {chain.file.defects}, correction {number}: {said}"
    for chain in chains:
        if chain.is_open:
            yield f"{chain.file.name} {chain.file.defects}: not right after {MAX_ROUNDS} corrections"
        file, results = chain.file, read_results(office) if chain is chains[0] else results
        found = [row for submission in chain.submissions for row in results.rows[submission["submission_id"]]]
        for said in row_differences(file, [row for row in file.rows if row.copy_of is None], found, results):
            yield f"{file.name} {file.defects}, in the end: {said}"


def _take_up(office: Office, chain: Chain, name: str, deliver: Deliver | None) -> dict[Row, list[Break]] | None:
    """Correct a slip and drop it; returns what was told of each row, None when the whole file had been sent back."""
    file = chain.file
    slip = slip_of(office, file.sender.code, chain.submissions[-1]["submission_id"])
    told = None if file.faults else {row: row.told for row in file.rows if row.told}
    content = correct(file, slip)
    chain.cells = cells_of(slip)
    office.drop(file.sender.code, name, deliver(content) if deliver else content)
    return told


def _round_differences(
    office: Office, chain: Chain, name: str, told: dict[Row, list[Break]] | None, results: Results, is_same_program: bool
) -> Iterator[str]:
    file, last = chain.file, chain.submissions[-1]
    submission = results.submissions.get((file.sender.code, name))
    if submission is None or submission["outcome"] is None:
        yield "there is no outcome"
        return
    chain.submissions.append(submission)
    if submission["report_on"] != file.report_on:
        yield f"the report date is {submission['report_on']}, not {file.report_on}"
    if submission["corrects_id"] != (last["submission_id"] if last["report_on"] else None):
        yield f"it corrects {submission['corrects_id']}"
    rows = list(told) if told is not None else list(file.rows)
    accepted = [row for row in rows if not row.told and row.copy_of is None]
    rejected = [row for row in rows if row.told]
    count = expected_counts(file)[1]
    outcome = "accepted" if not rejected else "accepted_with_rejections" if accepted else "rejected"
    expected = (outcome, count, len(accepted), len(rejected), count - len(accepted) - len(rejected))
    found = tuple(submission[column] for column in ("outcome", "row_count", "accepted_count", "rejected_count", "ignored_count"))
    if found != expected:
        yield f"counts are {found}, not {expected}"
    rejections = results.rejections[submission["submission_id"]]
    listed = {(entry["sheet"], entry["row_no"], entry["rule_id"], entry["column_name"], entry["cell"]) for entry in rejections}
    if listed != expected_rejections(file):
        yield f"messages are {listed}, not {expected_rejections(file)}"
    for row in rejected if told is not None else ():
        for entry in row.told:
            if not any(earlier.hides and earlier.title in entry.needs - {entry.title} for earlier in told[row]):
                yield f"row {row.no}: {entry.rule} could have been seen before"
    yield from row_differences(file, accepted, results.rows[submission["submission_id"]], results)
    if rejections and is_same_program:
        slip = slip_of(office, file.sender.code, submission["submission_id"])
        yield from slip_differences(file, slip, chain.cells, rejections, submission["receipt"])
