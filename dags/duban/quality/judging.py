"""Claimed files → verdicts: reads them in the sandbox, passes them through the gate, has each verdict loaded.

Files are judged in rounds. A round is one transaction and one run of the gate per ledger; it ends before a file whose verdict depends on
an earlier file of the same round (the same key from another sender, the same bytes again, visits after ledgers), so that the order of
files decides and the grouping into batches never does.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import psycopg

from duban import warehouse
from duban.intake import values
from duban.intake.cells import display, from_json
from duban.intake.inbox import landed
from duban.intake.places import Places, build_places
from duban.intake.sandbox import ChildFailed, Sandbox
from duban.intake.tables import REASON_COLUMN, FileFault, Reading, known_headers, read_tables, total_faults
from duban.intake.typed_rows import TypedRow, mark_repeated_keys, place_rows, readable_amounts, type_rows
from duban.intake.words import fold
from duban.ledgers import Expectations, Ledger, load_expectations
from duban.quality import gate
from duban.quality.loading import load
from duban.quality.rejections import Finding, file_rejection, row_rejections
from duban.quality.verdict import OpenedFile, Verdict
from duban.settings import Settings
from duban.warehouse import Claim

log = logging.getLogger(__name__)
FILES_IN_MEMORY = 200


def judge_waiting(conn: psycopg.Connection, settings: Settings) -> Counter[str]:
    """Give every claimed file its outcome; returns how many files had each, and `accepted_rows`.

    Safe to run again at any time: a file without an outcome is judged anew, one with an outcome never.

    Raises:
        GateClosed: the gate could not be trusted; the files of that round keep waiting, nothing of them is loaded.
    """
    expectations = load_expectations(settings)
    headers = known_headers(expectations)
    counts: Counter[str] = Counter()
    with warehouse.judge_lock(conn), Sandbox("duban.intake.reader") as sandbox:
        while claims := warehouse.waiting_claims(conn, FILES_IN_MEMORY):
            jobs = [{"path": str(landed(settings.landing, claim.file_sha256)), "headers": headers} for claim in claims]
            files = [_open(claim, answer, expectations) for claim, answer in zip(claims, sandbox.map(jobs), strict=True)]
            for files_of_round in cut_rounds(files):
                with warehouse.load_transaction(conn):
                    for verdict in _judge_round(conn, files_of_round, expectations):
                        load(conn, verdict, settings)
                        counts[verdict.outcome] += 1
                        counts["accepted_rows"] += len(verdict.accepted)
    return counts


def cut_rounds(files: Sequence[OpenedFile]) -> Iterator[list[OpenedFile]]:
    """Cut the files, in their order, into rounds within which no verdict depends on another."""
    current: list[OpenedFile] = []
    owners: dict[tuple[str, str], str] = {}
    seen: set[tuple[str, str]] = set()
    for file in files:
        bytes_of_unit = (file.claim.unit_code, file.claim.file_sha256)
        met = [owners[key] for key in file.row_keys() if key in owners]
        is_office = file.sender.kind == "office"
        follows_ledgers = file.sender.kind == "group" and any(other.sender.kind != "group" for other in current)
        answers_a_slip = file.reading.slip_of is not None
        depends = any(unit != file.claim.unit_code or is_office for unit in met)
        if current and (depends or bytes_of_unit in seen or follows_ledgers or answers_a_slip):
            yield current
            current, owners, seen = [], {}, set()
        current.append(file)
        owners.update(dict.fromkeys(file.row_keys(), file.claim.unit_code))
        seen.add(bytes_of_unit)
    if current:
        yield current


def _open(claim: Claim, answer: dict[str, Any] | ChildFailed, expectations: Expectations) -> OpenedFile:
    if isinstance(answer, ChildFailed):
        return OpenedFile(claim, Reading(faults=[FileFault("S01", str(answer))]))
    if "rule_id" in answer:
        return OpenedFile(claim, Reading(faults=[FileFault(answer["rule_id"], answer["reason"], answer["sheet"], answer["cell"])]))
    document = from_json(answer["document"])
    try:
        reading = read_tables(document, expectations, claim.unit_code)
    except Exception:  # a layout nobody thought of must not hold up the files of all the others
        log.exception("%s: the tables of the file cannot be found; it is sent back", claim.submission_id)
        return OpenedFile(claim, Reading(faults=[FileFault("S01", "程序没有读懂这个文件的版面，请改用标准表头")]))
    return OpenedFile(claim, reading, document.kind, document.encoding, document.uses_1904)


def _judge_round(conn: psycopg.Connection, files: Sequence[OpenedFile], expectations: Expectations) -> list[Verdict]:
    verdicts = [_first_look(conn, file) for file in files]
    places = {district: _places(conn, district, expectations) for district in {file.claim.district_code for file in files}}
    for verdict in verdicts:
        if not verdict.outcome and not verdict.faults:
            _type(conn, verdict, places[verdict.opened.claim.district_code], expectations)
    by_ledger: dict[str, list[tuple[Verdict, TypedRow]]] = {}
    for verdict in verdicts:
        for row in verdict.rows:
            by_ledger.setdefault(row.ledger.name, []).append((verdict, row))
    for name, pairs in by_ledger.items():
        _gate(conn, expectations.ledgers[name], pairs, places, expectations)
    for verdict in verdicts:
        _conclude(verdict, expectations)
    return verdicts


def _first_look(conn: psycopg.Connection, file: OpenedFile) -> Verdict:
    """Duplicate, report date, corrected slip, and the file rules."""
    claim, reading = file.claim, file.reading
    in_name = values.dates_in_name(claim.file_name)
    for earlier_id, report_on, _ in warehouse.accepted_before(conn, claim.unit_code, claim.file_sha256):
        if not in_name or in_name == {report_on}:
            return Verdict(file, report_on, outcome="duplicate", duplicate_of=earlier_id)
    verdict = Verdict(file, faults=list(reading.faults))
    if reading.slip_of and (returned := warehouse.returned_submission(conn, reading.slip_of, claim.unit_code)):
        verdict.corrects_id, verdict.report_on = reading.slip_of, returned[0]
        _keep_returned_rows(verdict, returned[1])
    else:
        _set_report_date(verdict, in_name)
    ledgers = {table.ledger.name: table.ledger for table in reading.tables}
    for ledger in ledgers.values():
        if claim.unit_kind not in ledger.senders:
            verdict.faults.append(FileFault("S08", f"{claim.unit_name}不报送{ledger.title}", ledger.title))
    if reading.tables and not any(table.rows for table in reading.tables):
        verdict.faults.append(FileFault("S09", "表头下面没有数据", reading.tables[0].sheet))
    if claim.unit_kind == "township":
        _check_other_units(conn, verdict)
    return verdict


def _set_report_date(verdict: Verdict, in_name: set[date]) -> None:
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
        text = f"文件里没有填报日期，按收到的日期 {claim.arrived_on} 计"
        verdict.findings.append(Finding("W01", claim.file_name, text))


def _keep_returned_rows(verdict: Verdict, returned: frozenset[tuple[str, int]]) -> None:
    """Of a corrected slip only the rows that were sent back are taken: by their place, or by the reason that still stands beside them."""
    for table in verdict.opened.reading.tables:
        if not returned:
            continue
        kept = [row for row in table.rows if (row.sheet, row.row_no) in returned or display(row.extras.get(REASON_COLUMN)).strip()]
        verdict.ignored_count += len(table.rows) - len(kept)
        table.rows, table.totals = kept, []


def _check_other_units(conn: psycopg.Connection, verdict: Verdict) -> None:
    """S06: two or more rows, and 乡镇 names another unit in every one."""
    rows = [row for table in verdict.opened.reading.tables for row in table.rows]
    names = [fold(display(row.cells.get("township"))) for row in rows]
    claim = verdict.opened.claim
    # A township of another district may bear the sender's own name.
    others = warehouse.other_unit_names(conn, set(names), claim.unit_code) - {fold(claim.unit_name)}
    if len(rows) >= 2 and all(names) and set(names) == others:
        verdict.faults.append(FileFault("S06", f"每一行的乡镇都是：{'、'.join(sorted(set(names)))}"))


def _places(conn: psycopg.Connection, district_code: str, expectations: Expectations) -> Places:
    townships, villages = warehouse.divisions(conn, district_code)
    return build_places(district_code, townships, villages, expectations.village_aliases)


def _type(conn: psycopg.Connection, verdict: Verdict, places: Places, expectations: Expectations) -> None:
    opened = verdict.opened
    rows_by_ledger: dict[str, list[TypedRow]] = {}
    for table in opened.reading.tables:
        typed = type_rows(opened.claim.submission_id, table, opened.sender, verdict.report_on, expectations.vocabularies, opened.uses_1904)
        rows_by_ledger.setdefault(table.ledger.name, []).extend(typed)
        for total, title, said, actual in total_faults(table, [readable_amounts(row) for row in typed]):
            differing = f"表上 {said.normalize():f}，明细合计 {actual.normalize():f}"
            text = f"{table.sheet} 第{total.row_no}行“{total.word}”的{title}与明细不一致：{differing}"
            verdict.findings.append(Finding("W02", f"{table.sheet}!{total.row_no}", text))
        if table.hidden_row_nos:
            listed = "、".join(map(str, table.hidden_row_nos[:20]))
            verdict.findings.append(Finding("W07", table.sheet, f"{table.sheet} 有隐藏的行，已经读入：{listed}"))
        verdict.ignored_count += len(table.ignored_row_nos)
    for name in opened.reading.hidden_sheets:
        verdict.findings.append(Finding("W07", name, f"隐藏的工作表“{name}”没有读入"))
    for name, typed in rows_by_ledger.items():
        keys = {row.key for row in typed if row.key is not None}
        owners = {} if name == "visits" else warehouse.owners(conn, name, opened.claim.district_code, opened.claim.unit_code, keys)
        judged, copies = mark_repeated_keys(typed)
        place_rows(judged, places, owners)
        verdict.rows.extend(judged)
        verdict.ignored_count += len(copies)
        for row in copies:
            text = f"{row.row.sheet} 第{row.row.row_no}行与前面编号 {row.key} 的一行完全相同，只计一次"
            verdict.findings.append(Finding("W08", f"{row.row.sheet}!{row.row.row_no}", text))


def _gate(
    conn: psycopg.Connection,
    ledger: Ledger,
    pairs: Sequence[tuple[Verdict, TypedRow]],
    places: dict[str, Places],
    expectations: Expectations,
) -> None:
    """One run of the gate over all rows of a ledger in the round; its result becomes rejections, and a fact."""
    rows = [row for _, row in pairs]
    subject = "problem_no" if ledger.name == "visits" else ledger.key
    backgrounds = {}
    for district, of_district in places.items():
        keys = {row.values[subject] for row in rows if row.sender.district_code == district and row.values[subject] is not None}
        # Movement numbers belong to their sender alone; no rule compares them across units.
        known = {} if ledger.name == "funds" else warehouse.owners(conn, ledger.name, district, "", keys)
        backgrounds[district] = gate.Background(warehouse.campaigns(conn, district), known, of_district.office_code)
    evaluated = gate.judge(ledger, rows, backgrounds, expectations)
    for result in evaluated:
        for position in result.failed:
            verdict, row = pairs[position]
            verdict.rejections.extend(row_rejections(row, result.declared, expectations))
    rejected = {(id(verdict), *place) for verdict in {id(v): v for v, _ in pairs}.values() for place in verdict.rejected_rows}
    unseen = [row for verdict, row in pairs if row.marks and (id(verdict), row.row.sheet, row.row.row_no) not in rejected]
    if unseen:
        raise gate.GateClosed(f"{ledger.name}: {len(unseen)} marked rows passed the gate")
    warehouse.copy_rows(
        conn,
        "ops.gate_results",
        [
            {
                "first_submission_id": rows[0].submission_id,
                "file_count": len({row.submission_id for row in rows}),
                "ledger": ledger.name,
                "rule_id": result.declared.rule_id,
                "expectation": result.declared.expect["type"],
                "rows_evaluated": result.rows_evaluated,
                "rows_failed": len(result.failed),
            }
            for result in evaluated
        ],
    )


def _conclude(verdict: Verdict, expectations: Expectations) -> None:
    """The outcome, once the gate has spoken."""
    if verdict.outcome:
        return
    if verdict.faults:
        tables = verdict.opened.reading.tables
        verdict.rows, verdict.findings = [], []
        verdict.ignored_count = sum(len(table.ignored_row_nos) for table in tables)
        verdict.rejections = [file_rejection(fault, expectations) for fault in verdict.faults]
        verdict.outcome = "rejected"
        return
    verdict.rejections.sort(key=lambda entry: (entry.sheet, entry.row_no or 0))
    rejected = len(verdict.rejected_rows)
    verdict.outcome = "accepted" if not rejected else "accepted_with_rejections" if rejected < len(verdict.rows) else "rejected"
    for row in verdict.accepted:
        if row.ledger.name == "projects" and row.values["void_reason"] and row.sender.kind != "office":
            text = f"{row.row.sheet} 第{row.row.row_no}行填了撤销原因；项目只有区级办公室可以撤销，这一行按其余内容收下"
            verdict.findings.append(Finding("W11", row.key, text))
