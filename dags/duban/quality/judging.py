"""Claimed files → verdicts: reads them in the sandbox, passes them through the gate, has each verdict loaded.

Files are judged in rounds. A round is one transaction and one run of the gate per ledger, each ledger after those that it refers to. A
round ends before a file whose verdict depends on an earlier file of the same round (the same key from another sender, the same bytes
again), and a row refers to accepted rows of its own and earlier files: so the order of files decides, and the grouping into batches never
does.

Large files are judged apart, one at a time, by another process, so that nobody waits for them but who must: later files of the same unit,
of the office and the groups of its district; after a large file of the office all of the district (`apart_from`).
"""

from __future__ import annotations

import gc
import logging
import os
import re
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from duban import warehouse
from duban.intake import reading as readings
from duban.intake import values
from duban.intake.cells import display
from duban.intake.inbox import is_intact, landed
from duban.intake.limits import seconds_to_read
from duban.intake.places import Places, build_places
from duban.intake.reading import FileFault, Reading, Table
from duban.intake.sandbox import ChildFailed, Job, Sandbox
from duban.intake.tables import total_faults
from duban.intake.typed_rows import CellReaders, TypedRow, mark_repeated_keys, place_rows, readable_amounts, type_rows
from duban.ledgers import Expectations, Ledger, in_order_of_references, load_expectations
from duban.quality import gate, references
from duban.quality.loading import load
from duban.quality.rejections import Finding, file_rejection, finding, row_rejections
from duban.quality.slip_rows import sort_out
from duban.quality.verdict import OpenedFile, Verdict
from duban.settings import Settings
from duban.text.words import fold
from duban.warehouse.returns import Returned
from duban.warehouse.submissions import Claim

log = logging.getLogger(__name__)
_KINDS = {".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".csv": "csv"}
FILES_IN_MEMORY, BYTES_IN_MEMORY = 400, 32 << 20
#: So long a large file waits for earlier files of its district that are being judged; then it is tried again by the next run.
PATIENCE_SECONDS = 30.0
#: Of what was left aside: so many columns of a row are named, so many stretches of rows listed.
MOST_COLUMNS_NAMED, MOST_PARTS_LISTED = 5, 20
_LETTERS = re.compile("[A-Z]{1,3}")
#: Numbers of one other unit that a file clashes with and that are told one by one.
CLASHES_TOLD = 20
#: A round may hold more only as a single file.
ROWS_IN_ROUND = 100_000
_CHANGED = "收下以后，收存的副本损坏了，没有按损坏的内容审核；请把这个文件原样重新报送"


def judge_waiting(
    conn: psycopg.Connection, settings: Settings, *, apart: bool = False, after_batch: Callable[[], None] = lambda: None
) -> Counter[str]:
    """Give every claimed file its outcome; returns how many files had each, and `accepted_rows`.

    Safe to run again at any time: a file without an outcome is judged anew, one with an outcome never. A file whose copy cannot be read
    waits, and holds up no other.

    Args:
        conn: A connection with the loader's rights.
        settings: Where copies and expectations lie.
        apart: Judge the large files, and no others.
        after_batch: Called whenever a few files have their outcome; more may be claimed there.

    Raises:
        GateClosed: the gate could not be trusted; the files of that round keep waiting, nothing of them is loaded.
    """
    if not gc.get_freeze_count():
        gc.freeze()  # the libraries stay: each search for garbage among their 250,000 objects takes as long as twenty files
    expectations = load_expectations(settings)
    counts: Counter[str] = Counter()
    lost: set[str] = set()
    known = (settings.expectations, settings.seeds)

    def next_batch() -> list[Claim]:
        return _next_large(conn, lost) if apart else _that_fit(waiting(conn, lost))

    with warehouse.submissions.judge_lock(conn, apart=apart):
        if not (claims := next_batch()):
            return counts
        with Sandbox("duban.intake.reader", known, children=1 if apart else 2) as sandbox:
            while claims:
                for files_of_round in cut_rounds(_read(claims, sandbox, expectations, settings, lost)):
                    for verdict in _settle(conn, files_of_round, expectations, settings, apart):
                        counts[verdict.outcome] += 1
                        counts["accepted_rows"] += len(verdict.accepted)
                after_batch()
                claims = next_batch()
    return counts


def waiting(conn: psycopg.Connection, lost: Collection[str] = ()) -> list[Claim]:
    """The files without an outcome that are not judged apart, but for those that are lost, in their order."""
    claims = warehouse.submissions.waiting_claims(conn)
    apart = apart_from(claims)
    return [claim for claim in claims if claim.submission_id not in apart and claim.submission_id not in lost]


def apart_from(claims: Sequence[Claim]) -> set[str]:
    """Of files in their order those that are judged apart: the large ones, and those whose verdict may depend on one that is before them.

    That is every later file of the unit. A row of the office may take a key from any township, and a record of a group asks whose a key is:
    so the office and the groups wait for all large ledgers of their district, and all of the district for those of its office.
    """
    apart: set[str] = set()
    units: set[str] = set()
    districts: set[str] = set()
    behind_office: set[str] = set()
    for claim in claims:
        follows_ledgers = claim.unit_kind != "township" and claim.district_code in districts
        follows = claim.unit_code in units or claim.district_code in behind_office or follows_ledgers
        if claim.file_size > warehouse.returns.LARGE_BYTES or follows:
            apart.add(claim.submission_id)
            units.add(claim.unit_code)
            if claim.unit_kind != "group":
                districts.add(claim.district_code)
            if claim.unit_kind == "office":
                behind_office.add(claim.district_code)
    return apart


def _next_large(conn: psycopg.Connection, lost: Collection[str]) -> list[Claim]:
    """The first large file, alone, once what is before it in its district has been judged; empty when that takes too long."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        claims = [claim for claim in warehouse.submissions.waiting_claims(conn) if claim.submission_id not in lost]
        first = next((claim for claim in claims if claim.file_size > warehouse.returns.LARGE_BYTES), None)
        if first is None:
            return []
        if not any(claim.district_code == first.district_code for claim in claims[: claims.index(first)]):
            return [first]
        if time.monotonic() > end:
            return []
        time.sleep(0.2)


def judge_unsent(conn: psycopg.Connection, claim: Claim, path: Path, settings: Settings) -> Verdict:
    """What would become of the file at `path` if it were sent now, as `claim` says; nothing of it stays in the warehouse.

    Raises:
        GateClosed: the gate could not be trusted.
    """
    expectations = load_expectations(settings)
    with Sandbox("duban.intake.reader", (settings.expectations, settings.seeds), children=1) as sandbox:
        [answer] = sandbox.map([_job(claim, path)])
    with conn.transaction(force_rollback=True):
        [verdict] = _judge_round(conn, [_open(claim, answer, expectations)], expectations)
    return verdict


def _read(claims: Sequence[Claim], sandbox: Sandbox, expectations: Expectations, settings: Settings, lost: set[str]) -> list[OpenedFile]:
    """What the sandbox finds in the copies of the files. One that cannot be read is no fault of its file: it is `lost`."""
    copies = []
    for claim in claims:
        path = landed(settings.landing, claim.file_sha256)
        try:
            copies.append((claim, path, is_intact(path, claim.file_sha256)))
        except OSError as error:
            log.error("%s: its copy in the landing area cannot be read (%s); it waits", claim.submission_id, error.strerror)
            lost.add(claim.submission_id)
    answers = sandbox.map([_job(claim, path) for claim, path, is_sound in copies if is_sound])
    return [
        _open(claim, next(answers), expectations) if is_sound else OpenedFile(claim, Reading(faults=[FileFault("S01", _CHANGED)]))
        for claim, _, is_sound in copies
    ]


def _that_fit(claims: list[Claim]) -> list[Claim]:
    """The first claims that together are small enough to be held in memory; always one."""
    total, fitting = 0, []
    for claim in claims[:FILES_IN_MEMORY]:
        total += claim.file_size
        if fitting and total > BYTES_IN_MEMORY:
            break
        fitting.append(claim)
    return fitting


def _settle(
    conn: psycopg.Connection, files: Sequence[OpenedFile], expectations: Expectations, settings: Settings, apart: bool
) -> list[Verdict]:
    """Judge and load a round in one transaction. A file that makes that fail is found by halving the round, and sent back."""
    try:
        if apart and (verdicts := _judge_before_locking(conn, files, expectations, settings)):
            return verdicts
        with warehouse.loading.load_transaction(conn):
            verdicts = _judge_round(conn, files, expectations)
            load(conn, verdicts, expectations, settings)
            return verdicts
    except gate.GateClosed:
        raise
    except Exception as error:
        if isinstance(error, psycopg.Error) and not isinstance(error, psycopg.DataError | psycopg.IntegrityError):
            raise  # the warehouse, not a file
        if len(files) > 1:
            half = len(files) // 2
            return [verdict for part in (files[:half], files[half:]) for verdict in _settle(conn, part, expectations, settings, apart)]
        if files[0].reading.faults:
            raise  # nothing of the file was used: the fault is ours
        # The text of the error may hold a row; its kind and place are enough to find it.
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error("%s: %s at %s:%s; the file is sent back", files[0].claim.submission_id, type(error).__name__, place.name, place.lineno)
        fault = FileFault("S01", "程序处理这个文件时出错，请改用标准表头和常见格式；仍不行请联系区级办公室")
        return _settle(conn, [replace(files[0], reading=Reading(faults=[fault]))], expectations, settings, apart)


def _judge_before_locking(
    conn: psycopg.Connection, files: Sequence[OpenedFile], expectations: Expectations, settings: Settings
) -> list[Verdict]:
    """Judge without keeping others from loading, then load; empty, and nothing is loaded, when one of them changed whose a key is."""
    with conn.transaction():
        known = _newest(conn, files, expectations)
        verdicts = _judge_round(conn, files, expectations)
        warehouse.loading.lock_loading(conn)
        if _newest(conn, files, expectations) != known:
            raise psycopg.Rollback
        load(conn, verdicts, expectations, settings)
        return verdicts
    return []


def _newest(conn: psycopg.Connection, files: Sequence[OpenedFile], expectations: Expectations) -> dict[tuple[str, str, str], int | None]:
    """The newest version of what the rows of the files name, by district, ledger and column: all that a verdict learns from other units."""
    named: dict[tuple[str, str, str], set[str]] = {}
    for file in files:
        for table in file.reading.tables:
            ledger, district = table.ledger, file.claim.district_code
            asked = [(ledger.key, ledger, ledger.key_column)] if ledger.key_scope == "district" else []
            asked += [(reference.column, expectations.ledgers[reference.ledger], reference.by) for reference in ledger.references]
            for column, of, by in asked:
                texts = (values.key_text(row.cells.get(column)) for row in table.rows)
                named.setdefault((district, of.name, by), set()).update(filter(None, texts))
    return {
        (district, name, by): warehouse.versions.newest_version(conn, expectations.ledgers[name], by, district, texts)
        for (district, name, by), texts in named.items()
    }


def cut_rounds(files: Sequence[OpenedFile]) -> Iterator[list[OpenedFile]]:
    """Cut the files, in their order, into rounds within which no verdict depends on another."""
    current: list[OpenedFile] = []
    owners: dict[tuple[str, str, str], str] = {}
    seen: set[tuple[str, str]] = set()
    row_count = 0
    for file in files:
        bytes_of_unit = (file.claim.unit_code, file.claim.file_sha256)
        keys = file.row_keys()
        met = [owners[key] for key in keys if key in owners]
        answers_a_slip = file.reading.slip_of is not None
        depends = any(unit != file.claim.unit_code or file.claim.unit_kind == "office" for unit in met)
        is_too_much = row_count + file.row_count > ROWS_IN_ROUND
        if current and (depends or bytes_of_unit in seen or answers_a_slip or is_too_much):
            yield current
            current, owners, seen, row_count = [], {}, set(), 0
        current.append(file)
        owners.update(dict.fromkeys(keys, file.claim.unit_code))
        seen.add(bytes_of_unit)
        row_count += file.row_count
    if current:
        yield current


def _job(claim: Claim, path: Path) -> Job:
    """What the sandbox is asked about a file. The day decides which layouts apply: the one its name states, else that of its arrival."""
    on = min(_named_dates(claim), default=claim.arrived_on)
    return Job({"unit_code": claim.unit_code, "on": on.isoformat()}, path, seconds_to_read(claim.file_size))


def _named_dates(claim: Claim) -> set[date]:
    """The days that the name of the file states, as it was sent: in the name that is kept, their digits may be masked."""
    return values.dates_in_name(claim.file_name) if claim.named_dates is None else set(claim.named_dates)


def _open(claim: Claim, answer: dict[str, Any] | ChildFailed, expectations: Expectations) -> OpenedFile:
    if isinstance(answer, ChildFailed):
        return OpenedFile(claim, Reading(faults=[FileFault(answer.rule_id, str(answer))]))
    try:
        return OpenedFile(claim, readings.from_json(answer, expectations.ledgers))
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # a child that a file has taken over may answer anything
        log.error("%s: the reader's answer is no reading (%s); the file is sent back", claim.submission_id, type(error).__name__)
        return OpenedFile(claim, Reading(faults=[FileFault("S01", "程序没有读懂这个文件，请改用标准表头和常见格式")]))


def _judge_round(conn: psycopg.Connection, files: Sequence[OpenedFile], expectations: Expectations) -> list[Verdict]:
    accepted = warehouse.submissions.accepted_before(conn, [(file.claim.unit_code, file.claim.file_sha256) for file in files])
    verdicts = [_first_look(conn, file, accepted, expectations) for file in files]
    _check_other_units(conn, verdicts)
    places = {district: _places(conn, district, expectations) for district in {file.claim.district_code for file in files}}
    typed: dict[str, list[tuple[Verdict, list[TypedRow]]]] = {}
    cell_readers = CellReaders(expectations)
    for verdict in verdicts:
        if not verdict.outcome and not verdict.faults:
            for name, rows in _type(verdict, cell_readers, expectations).items():
                typed.setdefault(name, []).append((verdict, rows))
    for ledger in in_order_of_references(expectations.ledgers[name] for name in typed):
        references.refer(conn, ledger, typed[ledger.name], verdicts, expectations)
        pairs = []
        for verdict, rows in typed[ledger.name]:
            judged = _place(conn, verdict, ledger, rows, places[verdict.opened.claim.district_code], expectations)
            pairs += [(verdict, row) for row in judged]
        if pairs:
            _gate(conn, ledger, pairs, places, expectations)
    for verdict in verdicts:
        _conclude(verdict, expectations)
    return verdicts


def _first_look(
    conn: psycopg.Connection, file: OpenedFile, accepted: Mapping[tuple[str, str], list[tuple[str, date]]], expectations: Expectations
) -> Verdict:
    """Duplicate, report date, corrected slip, and the file rules. `accepted`: `warehouse.submissions.accepted_before`."""
    claim, reading = file.claim, file.reading
    in_name = _named_dates(claim)
    for earlier_id, report_on in accepted.get((claim.unit_code, claim.file_sha256), ()):
        if not in_name or in_name == {report_on}:
            return Verdict(file, report_on, outcome="duplicate", duplicate_of=earlier_id)
    verdict = Verdict(file, faults=list(reading.faults))
    keys = {ledger.target: ledger.key_column for ledger in expectations.ledgers.values()}
    if reading.slip_of and (returned := warehouse.returns.returned_submission(conn, reading.slip_of, claim.unit_code, keys)):
        verdict.corrects_id, verdict.report_on = reading.slip_of, returned.report_on
        _keep_returned_rows(verdict, returned, expectations)
    else:
        _set_report_date(verdict, in_name, expectations)
    tables = verdict.opened.reading.tables
    for ledger in {table.ledger.name: table.ledger for table in tables}.values():
        if claim.unit_kind not in ledger.senders:
            verdict.faults.append(FileFault("S08", f"{claim.unit_name}不报送{ledger.title}", ledger.title))
    if tables and not any(table.rows for table in tables):
        detail = "退回的行，这份退回单里一行也没有" if verdict.corrects_id and verdict.ignored_count else "表头下面没有数据"
        verdict.faults.append(FileFault("S09", detail, tables[0].sheet))
    return verdict


def _set_report_date(verdict: Verdict, in_name: set[date], expectations: Expectations) -> None:
    claim, reading = verdict.opened.claim, verdict.opened.reading
    stated = dict.fromkeys(in_name, "文件名") | dict(reading.report_dates)
    late = sorted(day for day in stated if day > claim.arrived_on)
    if len(stated) > 1:
        listed = "、".join(f"{where}：{day}" for day, where in sorted(stated.items()))
        verdict.faults.append(FileFault("S07", f"填报日期不一致（{listed}）"))
    elif late:
        verdict.faults.append(FileFault("S07", f"填报日期 {late[0]} 晚于今天（{stated[late[0]]}）"))
    elif stated:
        verdict.report_on = next(iter(stated))
    elif not any(fault.rule_id == "S07" for fault in reading.faults):
        verdict.report_on = claim.arrived_on
        verdict.findings.append(finding(expectations, "W01", claim.file_name, day=claim.arrived_on))


def _keep_returned_rows(verdict: Verdict, returned: Returned, expectations: Expectations) -> None:
    """Of a corrected slip only the rows that were sent back are taken; which are not is said (W35)."""
    if not returned.rows:
        return
    tables = verdict.opened.reading.tables
    sorted_out = sort_out(tables, returned)
    verdict.ignored_count += len(sorted_out.accepted) + len(sorted_out.others)
    not_taken = {"accepted": sorted_out.accepted, "others": sorted_out.others, "missing": sorted_out.missing}
    for case, rows in not_taken.items():
        for sheet in dict.fromkeys(row.sheet for row in rows):
            listed = listed_rows([row.row_no for row in rows if row.sheet == sheet])
            verdict.findings.append(finding(expectations, "W35", verdict.corrects_id, case, sheet=sheet, rows=listed))
    # A copy: the file may have to be judged once more, without the others of its round.
    taken = set(map(id, sorted_out.kept))
    kept = [replace(table, rows=[row for row in table.rows if id(row) in taken], totals=[]) for table in tables]
    verdict.opened = replace(verdict.opened, reading=replace(verdict.opened.reading, tables=kept))


def _check_other_units(conn: psycopg.Connection, verdicts: Sequence[Verdict]) -> None:
    """S06: two or more rows of a township's file, and 乡镇 names another unit in every one."""
    named: list[tuple[Verdict, set[str]]] = []
    for verdict in verdicts:
        rows = [row for table in verdict.opened.reading.tables for row in table.rows]
        if verdict.opened.claim.unit_kind == "township" and not verdict.outcome and len(rows) >= 2:
            named.append((verdict, {fold(display(row.cells.get("township"))) for row in rows}))
    codes = warehouse.divisions.township_codes(conn, set().union(*(names for _, names in named)))
    for verdict, names in named:
        claim = verdict.opened.claim
        # A township of another district may bear the sender's own name.
        others = {name for name in names if codes.get(name, set()) - {claim.unit_code}} - {fold(claim.unit_name)}
        if names == others:
            verdict.faults.append(FileFault("S06", f"每一行的乡镇都是：{'、'.join(sorted(names))}"))
            log.warning("%s: every row of a file from %s names another unit (S06)", claim.submission_id, claim.unit_code)


def _places(conn: psycopg.Connection, district_code: str, expectations: Expectations) -> Places:
    townships, villages = warehouse.divisions.townships_and_villages(conn, district_code)
    return build_places(district_code, townships, villages, expectations.village_aliases)


def _type(verdict: Verdict, cell_readers: CellReaders, expectations: Expectations) -> dict[str, list[TypedRow]]:
    """The typed rows of a file by ledger; what there is to say of its sheets becomes findings."""
    opened = verdict.opened
    rows_by_ledger: dict[str, list[TypedRow]] = {}
    for table in opened.reading.tables:
        uses_1904 = opened.reading.uses_1904
        typed = type_rows(opened.claim.submission_id, table, opened.sender, verdict.report_on, cell_readers, uses_1904)
        rows_by_ledger.setdefault(table.ledger.name, []).extend(typed)
        for total, title, said, actual in total_faults(table, [readable_amounts(row) for row in typed if table.totals], expectations.words):
            facts = {"sheet": table.sheet, "row": total.row_no, "word": total.word, "column": title}
            sums = {"said": f"{said.normalize():f}", "actual": f"{actual.normalize():f}"}
            verdict.findings.append(finding(expectations, "W02", f"{table.sheet}!{total.row_no}", **facts, **sums))
        if table.hidden_row_nos:
            listed = "、".join(map(str, table.hidden_row_nos[:20]))
            verdict.findings.append(finding(expectations, "W07", table.sheet, "rows", sheet=table.sheet, rows=listed))
        verdict.findings.extend(_left_aside(table, expectations))
        if table.pictures:
            listed = "、".join(table.pictures[:20])
            verdict.findings.append(finding(expectations, "W34", table.sheet, sheet=table.sheet, cells=listed))
        verdict.ignored_count += len(table.ignored_row_nos)
    if expected := _other_kind(opened):
        verdict.findings.append(finding(expectations, "W12", opened.claim.file_name, expected=expected))
    if opened.reading.has_external_links:
        verdict.findings.append(finding(expectations, "W13", opened.claim.file_name))
    for name in opened.reading.hidden_sheets:
        verdict.findings.append(finding(expectations, "W07", name, "sheet", sheet=name))
    return rows_by_ledger


def _place(
    conn: psycopg.Connection, verdict: Verdict, ledger: Ledger, typed: list[TypedRow], places: Places, expectations: Expectations
) -> list[TypedRow]:
    """Place the rows of a ledger of a file, and set repeated ones aside (W08); returns those to judge."""
    claim = verdict.opened.claim
    owners: Mapping[str, str | None] = {}
    if claim.unit_kind == "office":  # the rows of no other go by a township that a key has
        owners = warehouse.versions.owners(conn, ledger, claim.district_code, claim.unit_code, {row.key for row in typed} - {None})
    is_keyed_by_place = ledger.key_column != ledger.key
    if is_keyed_by_place:
        place_rows(typed, places, owners)
    judged, copies = mark_repeated_keys(typed)
    if not is_keyed_by_place:
        place_rows(judged, places, owners)
    verdict.rows.extend(judged)
    verdict.ignored_count += len(copies)
    for row in copies:
        facts = {"sheet": row.row.sheet, "row": row.row.row_no, "key": row.shown_key}
        verdict.findings.append(finding(expectations, "W08", f"{row.row.sheet}!{row.row.row_no}", **facts))
    return judged


def _left_aside(table: Table, expectations: Expectations) -> Iterator[Finding]:
    """What of a table was not read although it holds something: columns (W31), and rows by the reason (W32)."""
    for title, count in table.unread.items():
        case = "untitled" if _LETTERS.fullmatch(title) else ""
        yield finding(expectations, "W31", table.sheet, case, sheet=table.sheet, column=title, count=count)
    by_kind: dict[str, dict[tuple[str, ...], list[int]]] = {}
    for row in table.aside:
        by_kind.setdefault(row.kind, {}).setdefault(row.columns, []).append(row.row_no)
    for kind, by_columns in by_kind.items():
        if len(by_columns) > MOST_PARTS_LISTED:  # every row holds something else: one sentence for all of them
            by_columns = {("多列",): [row_no for row_nos in by_columns.values() for row_no in row_nos]}
        for columns, row_nos in by_columns.items():
            facts = {"rows": listed_rows(row_nos), "columns": "、".join(columns[:MOST_COLUMNS_NAMED])}
            yield finding(expectations, "W32", table.sheet, kind, sheet=table.sheet, **facts)


def listed_rows(row_nos: Sequence[int]) -> str:
    """Numbers of rows as people write them: `3、5—33`; of very many parts the first ones."""
    parts: list[list[int]] = []
    for row_no in sorted(row_nos):
        if parts and row_no == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], row_no]
        else:
            parts.append([row_no])
    listed = "、".join("—".join(map(str, part)) for part in parts[:MOST_PARTS_LISTED])
    return f"{listed} 等" if len(parts) > MOST_PARTS_LISTED else listed


def _other_kind(opened: OpenedFile) -> str | None:
    """What a file is, when the extension of its name says otherwise."""
    named = _KINDS.get(os.path.splitext(opened.claim.file_name)[1].lower())
    return f".{opened.reading.kind}" if named and named != opened.reading.kind else None


def _gate(
    conn: psycopg.Connection,
    ledger: Ledger,
    pairs: Sequence[tuple[Verdict, TypedRow]],
    places: dict[str, Places],
    expectations: Expectations,
) -> None:
    """One run of the gate over all rows of a ledger in the round; its result becomes rejections, and a fact."""
    rows = [row for _, row in pairs]
    backgrounds = {}
    for district, of_district in places.items():
        keys = {row.key for row in rows if row.sender.district_code == district and row.key is not None}
        # A number that belongs to its sender alone is compared with nobody else's.
        known = {} if ledger.key_scope == "unit" else warehouse.versions.owners(conn, ledger, district, "", keys)
        backgrounds[district] = gate.Background(warehouse.divisions.campaigns(conn, district), known, of_district.office_code)
    evaluated = gate.judge(ledger, rows, backgrounds, expectations)
    for result in evaluated:
        for position in result.failed:
            verdict, row = pairs[position]
            verdict.rejections.extend(row_rejections(row, result.declared, expectations))
    _tell_owners(conn, ledger, pairs, evaluated, backgrounds, expectations)
    rejected = {(id(verdict), *place) for verdict in {id(v): v for v, _ in pairs}.values() for place in verdict.rejected_rows}
    unseen = [row for verdict, row in pairs if row.marks and (id(verdict), row.row.sheet, row.row.row_no) not in rejected]
    if unseen:
        raise gate.GateClosed(f"{ledger.name}: {len(unseen)} marked rows passed the gate")
    of_run = {"first_submission_id": rows[0].submission_id, "file_count": len({row.submission_id for row in rows}), "ledger": ledger.name}
    results = [
        {
            **of_run,
            "rule_id": result.declared.rule_id,
            "expectation": result.declared.expect["type"],
            "rows_evaluated": result.rows_evaluated,
            "rows_failed": len(result.failed),
        }
        for result in evaluated
    ]
    warehouse.loading.copy_rows(conn, "ops.gate_results", results)


def _tell_owners(
    conn: psycopg.Connection,
    ledger: Ledger,
    pairs: Sequence[tuple[Verdict, TypedRow]],
    evaluated: Sequence[gate.Evaluated],
    backgrounds: Mapping[str, gate.Background],
    expectations: Expectations,
) -> None:
    """W33: a number that another unit used first. Either may have it wrong, and only the later one has a slip: both are told."""
    clashes: dict[tuple[int, str], tuple[Verdict, dict[str, None]]] = {}
    for result in evaluated:
        if result.declared.rule_id != ledger.owner_rule:
            continue
        for verdict, row in (pairs[position] for position in result.failed):
            owner = backgrounds[row.sender.district_code].owners[row.key]
            clashes.setdefault((id(verdict), owner), (verdict, {}))[1].setdefault(row.shown_key)
    names = warehouse.divisions.unit_names(conn, {owner for _, owner in clashes})
    for (_, owner), (verdict, keys) in clashes.items():
        units = {"column": ledger.by_name[ledger.key].title, "owner": names[owner], "sender": verdict.opened.claim.unit_name}
        for key in list(keys)[:CLASHES_TOLD]:
            verdict.findings.append(replace(finding(expectations, "W33", key, **units, key=key), other_unit=owner))
        if more := list(keys)[CLASHES_TOLD:]:
            told = finding(expectations, "W33", more[0], "more", **units, count=len(more))
            verdict.findings.append(replace(told, other_unit=owner))


def _conclude(verdict: Verdict, expectations: Expectations) -> None:
    """The outcome, once the gate has spoken."""
    if verdict.outcome:
        return
    if verdict.faults:
        tables = verdict.opened.reading.tables
        verdict.rows, verdict.findings = [], []
        verdict.ignored_count += sum(len(table.ignored_row_nos) for table in tables)
        verdict.rejections = [file_rejection(fault, expectations) for fault in verdict.faults]
        verdict.outcome = "rejected"
        return
    verdict.rejections.sort(key=lambda entry: (entry.sheet, entry.row_no or 0))
    rejected = len(verdict.rejected_rows)
    verdict.outcome = "accepted" if not rejected else "accepted_with_rejections" if rejected < len(verdict.rows) else "rejected"
    for row in verdict.accepted:
        ledger = row.ledger
        if ledger.withdraw_by == "office" and row.sender.kind != "office" and ledger.is_withdrawn(row.values):
            facts = {"sheet": row.row.sheet, "row": row.row.row_no, "column": ledger.by_name[ledger.withdraw].title, "noun": ledger.noun}
            verdict.findings.append(finding(expectations, "W11", row.shown_key, **facts))
