"""The reader, asked in its sandbox about any bytes: what every answer must be."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import openpyxl

from duban.intake import reading as readings
from duban.intake.limits import MAX_COLUMNS, MAX_ROWS, seconds_to_read
from duban.intake.reading import Reading, Table
from duban.intake.sandbox import ChildFailed, Job, Sandbox
from duban.intake.tables import total_faults
from duban.intake.typed_rows import CellReaders, Sender, mark_repeated_keys, readable_amounts, type_rows
from duban.ledgers import Expectations, read_expectations
from tests.bad_input.lowered import LoweredSandbox
from tests.fuzz.defects import CATALOGUE
from tests.fuzz.ledgers import EXPECTATIONS, GB18030, GROUPS, OFFICE, SEEDS, TOWNSHIPS, UTF8, WORKBOOKS, XLS, XLSX, clean_file
from tests.fuzz.polluting import polluted_file
from tests.fuzz.writing import write

MAX_SECONDS = 10.0
PARTS_OF_A_SLIP = re.compile(
    r"\[Content_Types\].xml|_rels/.rels|docProps/(app|core).xml|xl/(workbook|styles|sharedStrings|theme/theme1).xml|xl/_rels/workbook.xml.rels"
    r"|xl/worksheets/(_rels/)?sheet\d+.xml(.rels)?|/?xl/comments/comment\d+.xml|xl/(drawings/)?commentsDrawing\d+.vml|xl/drawings/\w+.vml"
)
_CHINESE = re.compile("[\u4e00-\u9fff]")
_DAY = date(2020, 6, 24)


def bases() -> list[tuple[str, bytes]]:
    """Right files of every kind, and a few polluted ones: what is mutated."""
    rng = Random(1)
    found = []
    for number, sender in enumerate((*TOWNSHIPS[:2], OFFICE, GROUPS[0])):
        for kind in (XLSX, XLS, UTF8, GB18030):
            found.append((kind if kind in WORKBOOKS else "csv", write(clean_file(rng, number, sender, kind))))
    layouts = [defect for defect in CATALOGUE if defect.scope == "sheet"]
    for number, defect in enumerate(layouts):
        file = polluted_file(number, 100 + number, [defect])
        found.append((file.kind if file.kind in WORKBOOKS else "csv", write(file)))
    return found


@dataclass
class Reader:
    """The reader in its sandbox, under lowered limits. Use as a context manager, in the folder of the project."""

    folder: Path
    expectations: Expectations = field(default_factory=lambda: read_expectations(EXPECTATIONS, SEEDS))
    seen: dict[str, int] = field(default_factory=dict)
    longest: float = 0.0
    last: dict[str, Any] | ChildFailed | None = None

    def __enter__(self) -> Reader:
        self._sandbox = LoweredSandbox("duban.intake.reader", (EXPECTATIONS, SEEDS), children=1)
        return self

    def __exit__(self, *_: object) -> None:
        self._sandbox.__exit__()

    def ask(self, content: bytes) -> tuple[dict[str, Any] | ChildFailed, float]:
        """The answer about some bytes, and how long it took."""
        path = self.folder / "file"
        path.write_bytes(content)
        arguments = {"unit_code": TOWNSHIPS[0].code, "on": _DAY.isoformat()}
        started = time.monotonic()
        [answer] = self._sandbox.map([Job(arguments, path, seconds_to_read(len(content)))])
        return answer, time.monotonic() - started

    def complaints(self, content: bytes) -> list[str]:
        """What is wrong with the answer about some bytes."""
        answer, seconds = self.ask(content)
        self.last, self.longest = answer, max(self.longest, seconds)
        said = [] if seconds < MAX_SECONDS else [f"it took {seconds:.1f} s"]
        if isinstance(answer, ChildFailed):
            self._count(f"child failed {answer.rule_id}")
            if answer.rule_id not in {"S01", "S10"} or not _CHINESE.search(str(answer)):
                said.append(f"the child failed with {answer.rule_id}: {answer}")
            return said
        reading = readings.from_json(answer, self.expectations.ledgers)
        self._count(" ".join(sorted({fault.rule_id for fault in reading.faults})) or "read")
        return said + list(reading_complaints(reading, answer, self.expectations))

    def _count(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1


def slip_complaints(sandbox: Sandbox, folder: Path, content: bytes, answer: dict[str, Any]) -> list[str]:
    """What is wrong with the slip of a file: it must be written, open again, and hold nothing that acts."""
    source = folder / "source"
    source.write_bytes(content)
    tables = answer["tables"]
    told = {"reason": "原因", "how_to_fix": "改法", "value_masked": None, "rule_id": "R02", "ledger": "", "column_name": "列"}
    read_as = [{"sheet": table["sheet"], "header_row": table["header_row_no"], "pictures": []} for table in tables]
    rejections = [
        {**told, "sheet": table["sheet"], "row_no": row[0], "cell": f"B{row[0]}"} for table in tables for row in table["rows"][:20]
    ]
    receipt = {
        **dict.fromkeys(("submission_id", "unit_name", "unit_code", "file_name", "outcome_text", "next_step"), "字"),
        "report_on": None,
        "received_at": "2020-06-24T08:00:00",
        "counts": dict.fromkeys(("row", "accepted", "rejected", "ignored"), 0),
        "read_as": {"kind": answer["kind"], "tables": read_as, "skipped_sheets": []},
        "rejections": rejections,
        "rejections_not_listed": 0,
        "findings": [],
        "findings_not_listed": 0,
    }
    [written] = sandbox.map([Job({"receipt": receipt, "keeps_format": True}, source, 60)])
    if isinstance(written, ChildFailed):
        return [f"no slip: {written}"]
    said, slip = [], io.BytesIO(written["content"])
    for sheet in openpyxl.load_workbook(slip):
        # Only the cells that are there: a lone one far away stands below many that are not.
        acting = [cell for cell in sheet._cells.values() if cell.data_type == "f" or cell.hyperlink is not None]
        said += [f"{sheet.title}!{cell.coordinate} acts" for cell in acting]
    with zipfile.ZipFile(slip) as archive:
        said += [f"the slip holds {name}" for name in archive.namelist() if not PARTS_OF_A_SLIP.fullmatch(name)]
    return said


def reading_complaints(reading: Reading, answer: dict[str, Any], expectations: Expectations) -> Iterator[str]:
    """What is wrong with a reading, whatever it was made from."""
    if _normal(readings.to_json(reading)) != _normal(answer):
        yield "it does not survive its own notation"
    if not reading.tables and not reading.faults:
        yield "it holds nothing and says nothing"
    for fault in reading.faults:
        if fault.rule_id not in expectations.file_rules or not _CHINESE.search(fault.detail):
            yield f"it says {fault.rule_id}: {fault.detail}"
    for table in reading.tables:
        yield from table_complaints(table, reading, expectations)


def table_complaints(table: Table, reading: Reading, expectations: Expectations) -> Iterator[str]:
    """What is wrong with a table: its rows are conserved and can be typed."""
    rows, aside = [row.row_no for row in table.rows], table.ignored_row_nos
    if rows != sorted(set(rows)) or aside != sorted(set(aside)) or set(rows) & set(aside):
        yield f"rows {rows}, ignored {aside}"
    if any(not table.header_row_no < number <= MAX_ROWS for number in (*rows, *aside)):
        yield "a row stands outside the table"
    if not {total.row_no for total in table.totals} <= set(aside) or not set(table.hidden_row_nos) <= {*rows, *aside}:
        yield "a total or a hidden row is no row"
    if any(not 0 <= position < MAX_COLUMNS for position in table.positions.values()):
        yield f"columns at {table.positions}"
    sender = Sender(TOWNSHIPS[0].code, "township", "430902")
    typed = type_rows("fuzz", table, sender, _DAY, CellReaders(expectations), reading.uses_1904)
    list(total_faults(table, [readable_amounts(row) for row in typed], expectations.words))
    judged, copies = mark_repeated_keys(typed)
    if len(judged) + len(copies) != len(table.rows):
        yield f"{len(table.rows)} rows became {len(judged)} and {len(copies)} copies"


def _normal(value: Any) -> Any:
    match value:
        case dict():
            return {key: _normal(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_normal(entry) for entry in value]
        case _:
            return value
