"""What became of files, against what `ledgers.py` and the catalogue say must become of them. Differences are collected, not raised."""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.conftest import Office
from tests.fuzz.ledgers import BY_HAND, FUNDS, FUZZED, OFFICE, PROBLEMS, PROJECTS, VISITS, Break, LedgerFile, Line, Row, Sheet
from tests.fuzz.writing import address, grid_of, text_of

_LINEAGE = (
    "version_id",
    "submission_id",
    "district_code",
    "unit_code",
    "is_office",
    "report_on",
    "received_at",
    "masked_at",
    "source_file",
    "source_sheet",
    "source_row",
)
# What `stored_row` takes over as it was read; a place and the year of a movement have a rule of their own there.
_RAW = {
    title: {
        column.title: column.name
        for column in ledger.columns
        if column.type not in {"township", "village", "villages", "year"} and not column.is_personal
    }
    for title, ledger in FUZZED.items()
}


@dataclass
class Results:
    """Everything the warehouse says of all files, read once."""

    hmac_key: str
    submissions: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    rejections: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    findings: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    rows: dict[str, list[tuple[str, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))
    originals: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    households: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_results(office: Office) -> Results:
    """The results of an office."""
    found = Results(office.settings.hmac_key)
    for row in office.query("select * from ops.submissions"):
        found.submissions[row["unit_code"], row["file_name"]] = row
    for row in office.query("select * from quarantine.rejected_rows order by rejection_id"):
        found.rejections[row["submission_id"]].append(row)
    for row in office.query("select * from quarantine.findings"):
        found.findings[row["submission_id"]].append(row)
    for title, ledger in FUZZED.items():
        for row in office.query(f"select * from raw.{ledger.table_name}"):
            found.rows[row["submission_id"]].append((title, row))
    for row in office.query("select * from personal.original_rows"):
        found.originals[row["submission_id"]].append(row)
    found.households = {row["household_key"]: row for row in office.query("select * from personal.households")}
    return found


# ── what is expected ─────────────────────────────────────────────────────────────────────────────────────────────────


def told_cell(sheet: Sheet, row: Row, entry: Break) -> str | None:
    """The address that a message must name; None when the sheet lacks the column."""
    if entry.rule == "R11":
        return address(0 if row.line else sheet.left + len(sheet.columns), row.no)
    position = sheet.position(entry.title)
    return None if position is None else address(position, row.no)


def expected_rejections(file: LedgerFile) -> set[tuple]:
    """(sheet, row, rule, column, cell) of everything that must be sent back."""
    if file.faults:
        return {("", None, rule, title, _fault_cell(file, title, where)) for rule, title, where in file.faults}
    return {
        (sheet.name, row.no, entry.rule, entry.title, told_cell(sheet, row, entry))
        for sheet in file.sheets
        for row in sheet.rows
        for entry in row.told
    }


def _fault_cell(file: LedgerFile, title: str | None, where: str | None) -> str | None:
    if where is None:
        return None
    if where == "date":
        sheet = next(sheet for sheet in file.sheets if sheet.has_date)
        return address(4, next(number for number, cells in enumerate(grid_of(file, sheet).rows, 1) if 4 in cells and 0 in cells))
    twice = f"{title}#2"
    sheet = next(sheet for sheet in file.sheets if title in sheet.columns)
    return address(sheet.position(twice if twice in sheet.columns else title), sheet.header_no)


def rejected_rows(file: LedgerFile) -> list[Row]:
    """Rows that must go back."""
    return [row for row in file.rows if file.faults or row.told]


def accepted_rows(file: LedgerFile) -> list[Row]:
    """Rows that must be taken: those that are right, once each."""
    return [row for row in file.rows if not file.faults and not row.told and row.copy_of is None]


def expected_counts(file: LedgerFile) -> tuple[str, int, int, int, int]:
    """Outcome, and rows: read, accepted, rejected, ignored."""
    lines = sum(isinstance(line, Line) and line.is_counted for sheet in file.sheets for line in sheet.lines)
    if file.faults:
        rejected = len(list(file.rows)) if file.is_read else 0
        ignored = lines if file.is_read else 0
        return "rejected", rejected + ignored, 0, rejected, ignored
    accepted, rejected = len(accepted_rows(file)), len(rejected_rows(file))
    ignored = lines + sum(row.copy_of is not None for row in file.rows)
    outcome = "accepted" if not rejected else "accepted_with_rejections" if accepted else "rejected"
    return outcome, accepted + rejected + ignored, accepted, rejected, ignored


def stored_row(file: LedgerFile, sheet: Sheet, row: Row, hmac_key: str) -> dict[str, Any]:
    """What the raw table must hold of a row, lineage aside."""
    values = {column: row.values[title] for title, column in _RAW[row.ledger].items()}
    if row.ledger not in BY_HAND:
        return values | _stored_besides(file, row, hmac_key)
    place = row.values["村(社区)"]
    if row.ledger in {PROBLEMS, VISITS}:
        values["village_code"] = place
    if row.ledger == FUNDS:
        values["township_code"] = row.values["乡镇"]
        values["fund_year"] = row.values["资金年度"] or (row.values["发生日期"].year if row.values["发生日期"] else None)
        values["village_codes"] = list(place or ())
    else:
        values["township_code"] = row.values["乡镇"] or f"{file.sender.district}000"
    if row.ledger == PROJECTS:
        values["village_codes"] = list(place or ())
        values["place"] = row.cells["村(社区)"].strip() if row.cells["村(社区)"] else None
    if row.ledger == PROBLEMS:
        number = row.values["证件号码"]
        values["household_key"] = household_key(hmac_key, number) if number else None
    return values


def _stored_besides(file: LedgerFile, row: Row, hmac_key: str) -> dict[str, Any]:
    """What is stored of the other columns of a right row."""
    values: dict[str, Any] = {}
    for column in FUZZED[row.ledger].columns:
        value = row.values[column.title]
        match column.type:
            case "township":
                values["township_code"] = value or f"{file.sender.district}000"
            case "village":
                values["village_code"] = value
            case "villages":
                values["village_codes"] = list(value or ())
            case "id_number" | "certificate":
                values["household_key"] = household_key(hmac_key, value) if value else None
            case "year":
                values[column.name] = value
    return values


def household_key(hmac_key: str, number: str) -> str:
    """The pseudonym of a household."""
    return hmac.digest(hmac_key.encode(), number.encode(), "sha256").hex()


def masked(title: str, text: str) -> str | None:
    """A cell as a message may quote it. (Telephone and identity numbers within texts are not among the offending cells.)"""
    if not text.strip():
        return None
    # so long a number may be anybody's, in whatever column
    if len(text) >= 15 and (title == "证件号码" or text.isdecimal()):
        return text[:4] + "*" * (len(text) - 8) + text[-4:]
    if title in {"证件号码", "户主姓名"}:
        # a word among the identity numbers may be a name
        kept = 2 if title == "证件号码" and text[:2].isdecimal() else 1
        return text[:kept] + "*" * (len(text) - kept)
    return text


def written_text(file: LedgerFile, sheet: Sheet, row: Row, title: str) -> str:
    """A cell's text as its sender sees it; what a merged cell covers has the text of the first."""
    for merged, first, second in sheet.merged:
        if (merged, second) == (title, row):
            row = first
    return text_of(row.cells[title], sheet.unit, file.uses_1904)


# ── differences ──────────────────────────────────────────────────────────────────────────────────────────────────────


def differences(file: LedgerFile, results: Results) -> Iterator[str]:
    """Everything in which the outcome of a file is not what it must be."""
    submission = results.submissions.get((file.sender.code, file.name))
    if submission is None or submission["outcome"] is None:
        yield "there is no outcome"
        return
    found_counts = tuple(submission[name] for name in ("outcome", "row_count", "accepted_count", "rejected_count", "ignored_count"))
    if found_counts != expected_counts(file):
        yield f"counts are {found_counts}, not {expected_counts(file)}"
    if not file.faults and submission["report_on"] != file.report_on:
        yield f"the report date is {submission['report_on']}, not {file.report_on}"
    yield from _message_differences(file, results.rejections[submission["submission_id"]])
    findings = {entry["rule_id"] for entry in results.findings[submission["submission_id"]]}
    # a number of another unit is told to both (W33)
    shared = {"W33"} if {rule for _, _, rule, *_ in expected_rejections(file)} & {"P11", "J07"} else set()
    expected = set() if file.faults else file.findings | shared
    if findings != expected:
        yield f"findings are {findings}, not {expected}"
    yield from row_differences(file, accepted_rows(file), results.rows[submission["submission_id"]], results)
    yield from _original_differences(file, results.originals[submission["submission_id"]])
    yield from _money_differences(file, submission["submission_id"], results)


def _message_differences(file: LedgerFile, rejections: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    listed = [
        (
            *(() if not file.faults else ()),
            entry["sheet"] if entry["row_no"] else "",
            entry["row_no"],
            entry["rule_id"],
            entry["column_name"],
            entry["cell"],
        )
        for entry in rejections
    ]
    expected = expected_rejections(file)
    if set(listed) != expected or (len(listed) != len(expected) and not file.faults):
        yield f"messages: too many {sorted(set(listed) - expected, key=str)}, missing {sorted(expected - set(listed), key=str)}"
        return
    rows = {(sheet.name, row.no): (sheet, row) for sheet in file.sheets for row in sheet.rows}
    for entry in rejections:
        if not entry["reason"] or not entry["how_to_fix"]:
            yield f"{entry['rule_id']} says nothing"
        if entry["row_no"]:
            sheet, row = rows[entry["sheet"], entry["row_no"]]
            shown = expected_value(file, sheet, row, entry["column_name"], entry["rule_id"])
            if entry["value_masked"] != shown:
                yield f"{entry['rule_id']} {entry['cell']} shows {entry['value_masked']!r}, not {shown!r}"


def expected_value(file: LedgerFile, sheet: Sheet, row: Row, title: str, rule: str) -> str | None:
    """What a message must quote."""
    if rule == "R11":
        return "（整行）"
    if title in row.shown:
        return row.shown[title]
    return None if sheet.position(title) is None else masked(title, written_text(file, sheet, row, title))


def row_differences(
    file: LedgerFile, rows: Sequence[Row], found: Sequence[tuple[str, Mapping[str, Any]]], results: Results
) -> Iterator[str]:
    """Rows of the raw tables against the rows that must be there: each once, no value changed."""
    by_place = {(row["source_sheet"], row["source_row"]): row for _, row in found}
    sheets = {id(row): sheet for sheet in file.sheets for row in sheet.rows}
    expected = {(sheets[id(row)].name, row.no): row for row in rows}
    if len(by_place) != len(found) or set(by_place) != set(expected):
        yield f"rows taken: {sorted(by_place)}, not {sorted(expected)}"
    for place in set(by_place) & set(expected):
        row, stored = expected[place], by_place[place]
        wanted = stored_row(file, sheets[id(row)], row, results.hmac_key)
        changed = {name: (stored[name], value) for name, value in wanted.items() if stored[name] != value}
        unexpected = set(stored) - set(wanted) - set(_LINEAGE)
        if changed or unexpected:
            yield f"row {place}: stored, and what was meant: {changed} {unexpected or ''}"
        lineage = (stored["unit_code"], stored["district_code"], stored["is_office"], stored["report_on"])
        if lineage != (file.sender.code, file.sender.district, file.sender == OFFICE, file.report_on):
            yield f"row {place}: lineage {lineage}"
        if row.ledger == PROBLEMS and row.values["证件号码"] and wanted["household_key"] not in results.households:
            yield f"row {place}: no household"


def _original_differences(file: LedgerFile, originals: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Every row that was judged is kept as it was written."""
    expected = {}
    for sheet in file.sheets:
        for row in sheet.rows:
            if not file.faults and row.copy_of is None:
                expected[sheet.name, row.no] = (sheet, row)
    found = {(row["sheet"], row["row_no"]): row["cells"] for row in originals}
    if set(found) != set(expected):
        yield f"rows kept: {sorted(found)}, not {sorted(expected)}"
        return
    for place, (sheet, row) in expected.items():
        if row.line or row.surplus:
            # Its cells have lost their columns, but none of its texts.
            kept_text = "".join(found[place].values())
            lost = [
                text
                for title in row.cells
                if (text := written_text(file, sheet, row, title).strip()) and _bare(text) not in _bare(kept_text)
            ]
            if lost or (row.surplus or "") not in kept_text:
                yield f"row {place} is kept without {lost or row.surplus}"
            continue
        texts = {title: written_text(file, sheet, row, title) for title in row.cells if sheet.position(title) is not None}
        wanted = {title: text.replace("\x00", "\x01") for title, text in texts.items() if text.strip()}
        kept = {title: text for title, text in found[place].items() if title in row.cells}
        if kept != wanted:
            differing = sorted(title for title in {*kept, *wanted} if kept.get(title) != wanted.get(title))
            said, meant = ({title: texts.get(title) for title in differing} for texts in (kept, wanted))
            yield f"row {place} is kept as {said}, not {meant}"
        own = {text_of(sheet.own[title](row)) for title in sheet.own if title in sheet.columns} - {""}
        if not own <= set(found[place].values()):
            yield f"row {place} is kept without the sender's own columns"


def _bare(text: str) -> str:
    """Text without the quotes that a CSV doubles."""
    return text.replace('"', "")


def _money_differences(file: LedgerFile, submission_id: str, results: Results) -> Iterator[str]:
    """分 that were read = accepted + rejected + ignored: what was taken by the warehouse's figures, the rest by the file's own numbers."""
    if not file.is_read:
        return
    places = {(sheet.name, row.no): row for sheet in file.sheets for row in sheet.rows}
    taken = {(row["source_sheet"], row["source_row"]) for _, row in results.rows[submission_id]}
    back = {(entry["sheet"], entry["row_no"]) for entry in results.rejections[submission_id] if entry["row_no"]}
    aside = {
        (sheet, int(no))
        for entry in results.findings[submission_id]
        if entry["rule_id"] == "W08"
        for sheet, no in [entry["subject"].rsplit("!", 1)]
    }
    if file.faults:
        back = set(places)
    if taken & back or taken & aside or back & aside or taken | back | aside != set(places):
        yield f"{len(places)} rows are not those taken ({len(taken)}), sent back ({len(back)}) and ignored ({len(aside)})"
        return
    accepted = sum(int(_money(ledger, row) * 100) for ledger, row in results.rows[submission_id])
    rejected, ignored = (sum(places[place].fen for place in part) for part in (back, aside))
    read = sum(row.fen for row in file.rows)
    if accepted + rejected + ignored != read:
        yield f"{read} 分 were read, but {accepted} accepted, {rejected} rejected, {ignored} ignored"


def _money(ledger: str, row: Mapping[str, Any]) -> Decimal:
    return sum((row[column.name] or Decimal(0) for column in FUZZED[ledger].of_type("money")), Decimal(0))
