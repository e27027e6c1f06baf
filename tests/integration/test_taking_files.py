"""What may go wrong while a file is taken: the disk is full, somebody still writes it, another file takes its place, its name is masked."""

from __future__ import annotations

import hashlib
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from duban import warehouse
from duban.intake import inbox
from duban.orchestration import steps
from duban.quality import judging, rounds
from tests.conftest import Office, csv_bytes
from tests.integration.ledgers import GROUP, OFFICE, OTHER, TOWNSHIP, by_name, problem, problems_csv

WHEN = 1_600_000_000


@contextmanager
def full_disk(free_bytes: int):
    """No file grows beyond so many bytes: to the writer it looks as a disk does that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def claim(office: Office) -> list[str]:
    with warehouse.connect(office.settings, "loader") as conn:
        return inbox.claim_files(conn, office.settings)


def landed_files(office: Office) -> list[Path]:
    return [path for path in office.settings.landing.rglob("*") if path.is_file()]


def rows_of(office: Office) -> list[str]:
    return [row["problem_no"] for row in office.query("select problem_no from raw.problem_versions order by 1")]


# ── a full disk ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("free_bytes", [0, 4096])
def test_a_full_disk_costs_no_file_and_no_row(office, monkeypatch, free_bytes):
    """However long it stays full: nothing is claimed, nothing judged, and the files are taken whole when there is room."""
    monkeypatch.setattr(inbox, "UNREADABLE_SECONDS", 0.0)
    office.drop(TOWNSHIP, "大20200624.csv", problems_csv(*(problem(f"D-{number:03}") for number in range(200))))
    office.drop(OTHER, "小20200624.csv", problems_csv(problem("K-1")))
    for _ in range(2):
        with full_disk(free_bytes), pytest.raises(OSError, match="File too large"):
            claim(office)
        assert office.query("select 1 from ops.submissions") == [] and landed_files(office) == []
    assert len(list(office.settings.inbox.rglob("*.csv"))) == 2
    office.ingest()
    assert {row["outcome"]: row["accepted_count"] for row in by_name(office).values()} == {"accepted": 200} | {"accepted": 1}
    assert len(rows_of(office)) == 201 and not list(office.settings.inbox.rglob("*.csv"))


def test_what_this_machine_has_run_out_of_is_no_fault_of_the_file(office, monkeypatch):
    monkeypatch.setattr(inbox, "UNREADABLE_SECONDS", 0.0)
    path = office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(problem("K-1")))
    opened = inbox._plain_file

    def none_left(name, flags):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(inbox, "_plain_file", none_left)
    with pytest.raises(OSError, match="Too many"):
        claim(office)
    monkeypatch.setattr(inbox, "_plain_file", opened)
    office.ingest()
    assert by_name(office)[path.name]["outcome"] == "accepted"


def test_a_file_that_stays_unreadable_is_judged_as_it_is_and_kept_out_of_sight(office, monkeypatch):
    path = office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(problem("K-1")))
    opened = inbox._plain_file

    def unreadable(name, flags):
        if Path(name).parent == path.parent:
            raise PermissionError(13, "Permission denied")
        return opened(name, flags)

    monkeypatch.setattr(inbox, "_plain_file", unreadable)
    office.ingest()
    [mark] = office.settings.landing.glob(".unreadable-*")
    assert path.exists() and by_name(office) == {}
    os.utime(mark, (WHEN, WHEN))
    office.ingest()
    assert by_name(office)[path.name]["outcome"] == "rejected"
    assert [row["is_whole"] for row in office.query("select is_whole from ops.submissions")] == [False]
    [hidden] = path.parent.iterdir()
    assert hidden.name.startswith(".duban-taken-")
    office.ingest()
    assert list(office.settings.landing.glob(".unreadable-*")) == [] and list(path.parent.iterdir()) == [hidden]


# ── somebody still writes ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_somebody_has_open_for_writing_is_left(office):
    whole = problems_csv(problem("W-1"), problem("W-2"))
    half = whole[: whole.rindex(b"W-2")]
    path = office.drop(TOWNSHIP, "台账20200624.csv", half)
    with open(path, "ab") as writer:
        office.ingest()
        assert inbox.is_being_written(path) and path.exists() and by_name(office) == {}
        writer.write(whole[len(half) :])
        writer.flush()
        office.ingest()
        assert path.exists() and by_name(office) == {}
    office.ingest()
    assert rows_of(office) == ["W-1", "W-2"] and not path.exists()


def test_where_nobody_can_say_who_writes_a_file_must_rest_longer(office, monkeypatch):
    path = office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(problem("W-1")))
    monkeypatch.setattr(inbox, "is_open_for_writing", lambda descriptor: None)
    office.ingest()
    [mark] = office.settings.landing.glob(".quiet-*")
    assert path.exists() and by_name(office) == {}
    # it was written since: the rest begins anew
    path.write_bytes(problems_csv(problem("W-1"), problem("W-2")))
    os.utime(mark, (WHEN, WHEN))
    office.ingest()
    [mark] = office.settings.landing.glob(".quiet-*")
    assert path.exists()
    os.utime(mark, (WHEN, WHEN))
    office.ingest()
    assert rows_of(office) == ["W-1", "W-2"]


def test_a_file_that_changes_between_copy_and_second_look_is_not_claimed(office, monkeypatch):
    path = office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(problem("C-1")))
    os.utime(path, (WHEN, WHEN))
    land = inbox._land

    def changes(*arguments):
        copied = land(*arguments)
        monkeypatch.undo()
        monkeypatch.setattr(inbox, "REST_SECONDS", 0.0)
        path.write_bytes(problems_csv(problem("C-2")))
        os.utime(path, (WHEN, WHEN))
        return copied

    monkeypatch.setattr(inbox, "_land", changes)
    assert claim(office) == [] and path.exists()
    office.ingest()
    assert rows_of(office) == ["C-2"]


def test_a_file_that_is_opened_after_it_was_claimed_is_not_deleted_under_the_writer(office, monkeypatch):
    first, second = problems_csv(problem("C-1")), problems_csv(problem("C-1"), problem("C-2"))
    path = office.drop(TOWNSHIP, "台账20200624.csv", first)
    record, writers = warehouse.submissions.record_claims, []

    def opened(*arguments):
        writers.append(open(path, "ab"))  # noqa: SIM115 — closed below
        return record(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(warehouse.submissions, "record_claims", opened)
        office.ingest()
    writers[0].write(second[len(first) :])
    writers[0].close()
    office.ingest()
    office.ingest()
    assert [row["outcome"] for row in office.query("select outcome from ops.submissions")] == ["accepted"] * 2
    assert rows_of(office) == ["C-1", "C-1", "C-2"] and list(path.parent.iterdir()) == []


# ── another file in its place ────────────────────────────────────────────────────────────────────────────────────────


def write_in_place(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    os.utime(path, (WHEN, WHEN))


def replace_by_rename(path: Path, content: bytes) -> None:
    write_in_place(path.with_suffix(".tmp"), content)
    path.with_suffix(".tmp").replace(path)


def delete_and_create(path: Path, content: bytes) -> None:
    path.unlink()
    write_in_place(path, content)


@pytest.mark.parametrize("replace", [write_in_place, replace_by_rename, delete_and_create])
@pytest.mark.parametrize("moment", ["登记之后", "改名之前"])
def test_a_file_of_the_same_size_and_time_is_another_file(office, monkeypatch, replace, moment):
    path = office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(problem("X-1")))
    os.utime(path, (WHEN, WHEN))
    where, name = {"登记之后": (warehouse.submissions, "record_claims"), "改名之前": (os, "rename")}[moment]
    function = getattr(where, name)

    def late(*arguments, **more):
        if name == "record_claims":
            ids = function(*arguments)
            patch.undo()
            replace(path, problems_csv(problem("X-2")))
            return ids
        patch.undo()
        replace(path, problems_csv(problem("X-2")))
        return function(*arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "REST_SECONDS", 0.0)
        patch.setattr(where, name, late)
        office.ingest()
    monkeypatch.setattr(inbox, "REST_SECONDS", 0.0)
    office.ingest()
    assert rows_of(office) == ["X-1", "X-2"] and list(path.parent.iterdir()) == []


# ── what the name says ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["台账151-20200624.csv", "430902196503127415-2020-06-24.csv", "2020年6月24日-13812345678.csv"])
def test_the_report_date_is_read_from_the_name_as_it_was_sent(office, name):
    """A serial number beside the date looks like a mobile number, and is masked where the name is shown."""
    newer = office.send(TOWNSHIP, "台账20200625.csv", problems_csv(problem("N-1", 问题描述="屋顶漏雨，二十五日")))
    older = office.send(TOWNSHIP, name, problems_csv(problem("N-1", 问题描述="屋顶漏雨，二十四日")))
    assert [str(row["report_on"]) for row in (newer, older)] == ["2020-06-25", "2020-06-24"]
    assert older["outcome"] == "accepted" and older["receipt"]["findings"] == []
    assert "*" in older["file_name"] and [str(day) for day in older["named_dates"]] == ["2020-06-24"]
    # the date decides about copies, too
    again = office.send(TOWNSHIP, name.replace("24", "23"), problems_csv(problem("N-1", 问题描述="屋顶漏雨，二十四日")))
    assert (again["outcome"], str(again["report_on"])) == ("accepted", "2020-06-23")


# ── copies that are lost or damaged after they were taken ─────────────────────────────────────────────────────────────


def test_a_copy_that_cannot_be_read_is_no_fault_of_the_file_and_holds_up_no_other(office, monkeypatch):
    contents = {"好20200624.csv": problems_csv(problem("L-1")), "丢20200624.csv": problems_csv(problem("L-2"))}
    for number, (name, content) in enumerate(contents.items()):
        os.utime(office.drop(TOWNSHIP, name, content), (WHEN - number, WHEN - number))
    claim(office)
    copy = inbox.landed(office.settings.landing, hashlib.sha256(contents["丢20200624.csv"]).hexdigest())
    copy.unlink()
    office.ingest()
    assert {name: row["outcome"] for name, row in by_name(office).items()} == {"好20200624.csv": "accepted", "丢20200624.csv": None}
    monkeypatch.setattr("duban.orchestration.steps.load_settings", lambda: office.settings)
    with pytest.raises(RuntimeError, match="copy cannot be read"):
        steps.write_returns()
    # the same bytes again put the copy right
    office.drop(TOWNSHIP, "再报20200624.csv", contents["丢20200624.csv"])
    office.ingest()
    assert [by_name(office)[name]["outcome"] for name in ("丢20200624.csv", "再报20200624.csv")] == ["accepted", "duplicate"]


def test_a_copy_that_was_damaged_is_not_judged_as_if_it_were_the_file(office):
    content = problems_csv(problem("L-1"), problem("L-2"))
    office.drop(TOWNSHIP, "台账20200624.csv", content)
    claim(office)
    copy = inbox.landed(office.settings.landing, hashlib.sha256(content).hexdigest())
    copy.chmod(0o600)
    copy.write_bytes(content[: content.rindex(b"L-2")])
    office.ingest()
    row = by_name(office)["台账20200624.csv"]
    assert row["outcome"] == "rejected" and "重新报送" in row["receipt"]["rejections"][0]["reason"] and rows_of(office) == []
    assert office.send(TOWNSHIP, "台账20200624.csv", content)["accepted_count"] == 2


# ── many files, and large ones ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_limits(monkeypatch):
    """Batches of four files; large is what has more than a few rows."""
    monkeypatch.setattr(inbox, "BATCH_FILES", 4)
    monkeypatch.setattr(inbox, "UNIT_FILES", 3)
    monkeypatch.setattr(warehouse.returns, "LARGE_BYTES", 4000)


def steps_of(monkeypatch) -> list[str]:
    """What was claimed and what was answered, in order."""
    seen: list[str] = []
    record, answered = warehouse.submissions.record_claims, warehouse.deliveries.record_in_folder

    def claims(conn, taken):
        seen.append(f"领取 {len(taken)}")
        return record(conn, taken)

    def answers(conn, kind, ids):
        seen.append(f"答复 {len(ids)}")
        return answered(conn, kind, ids)

    monkeypatch.setattr(warehouse.submissions, "record_claims", claims)
    monkeypatch.setattr(warehouse.deliveries, "record_in_folder", answers)
    return seen


def test_a_flood_is_taken_round_by_round_and_each_is_answered(office, monkeypatch, small_limits):
    """The file of another unit that comes in the middle is in the next round, whatever waits before it."""
    seen = steps_of(monkeypatch)
    for number in range(10):
        os.utime(office.drop(TOWNSHIP, f"{number}20200624.csv", problems_csv(problem(f"F-{number}"))), (WHEN + number,) * 2)
    settle = judging._settle

    def another_comes(*arguments):
        monkeypatch.setattr(judging, "_settle", settle)
        office.drop(OTHER, "另20200624.csv", problems_csv(problem("O-1")))
        return settle(*arguments)

    monkeypatch.setattr(judging, "_settle", another_comes)
    office.ingest()
    assert seen[:6] == ["领取 3", "答复 3", "领取 4", "答复 4", "领取 3", "答复 3"] and len(seen) == 8
    received = [row["file_name"] for row in office.query("select file_name from ops.submissions order by received_at")]
    assert received.index("另20200624.csv") < 8 and len(rows_of(office)) == 11
    of_flood = [name for name in received if name != "另20200624.csv"]
    assert of_flood == sorted(of_flood)


def test_rounds_do_not_change_the_order(office, small_limits):
    """A group's visits come after all ledgers that wait, also when these fill several rounds; within a round, too, mtime decides."""
    visit = csv_bytes(
        [["记录编号", "督导日期", "乡镇", "问题编号", "核查结论", "督导人员"], ["1", "2020-06-24", "沙头镇", "V-4", "属实", "李四"]]
    )
    files = [(GROUP, "督导20200624.csv", visit)]
    files += [
        ((TOWNSHIP, OTHER, OFFICE)[number % 3], f"{number}20200624.csv", problems_csv(problem(f"V-{number}", 乡镇="")))
        for number in range(9)
    ]
    for number, (unit, name, content) in enumerate(files):
        os.utime(office.drop(unit, name, content), (WHEN + number,) * 2)
    office.ingest()
    received = [row["file_name"] for row in office.query("select file_name from ops.submissions order by received_at")]
    assert received == [*(f"{number}20200624.csv" for number in range(9)), "督导20200624.csv"]
    assert by_name(office)["督导20200624.csv"]["outcome"] == "accepted"


def test_the_time_for_rounds_ends_and_the_next_run_goes_on(office, monkeypatch, small_limits):
    monkeypatch.setattr(rounds, "ROUNDS_SECONDS", 0.0)
    for number in range(6):
        office.drop(TOWNSHIP, f"{number}20200624.csv", problems_csv(problem(f"F-{number}")))
    office.ingest()
    assert len(rows_of(office)) == 3
    office.ingest()
    assert len(rows_of(office)) == 6


def large(*rows: list) -> bytes:
    return problems_csv(*rows, *(problem(f"G-{rows[0][0]}-{number}") for number in range(40)))


def test_nobody_waits_for_a_large_file_but_who_must(office, small_limits):
    """Its unit keeps its order; the office and the groups of the district wait, other townships and districts do not."""
    files = [
        (OTHER, "早.csv", problems_csv(problem("K-0"))),
        (TOWNSHIP, "大.csv", large(problem("K-1"))),
        (TOWNSHIP, "后.csv", problems_csv(problem("K-1", 问题描述="后来的一次报送"))),
        (OTHER, "别.csv", problems_csv(problem("K-2"))),
        (OFFICE, "区.csv", problems_csv(problem("K-1", 乡镇="沙头镇"))),
        (OTHER, "末.csv", problems_csv(problem("K-1", 问题描述="移交以后报送"))),
    ]
    for number, (unit, name, content) in enumerate(files):
        os.utime(office.drop(unit, f"2020-06-24{name}", content), (WHEN + number,) * 2)
    with warehouse.connect(office.settings, "loader") as conn:
        inbox.claim_files(conn, office.settings)
        inbox.claim_files(conn, office.settings)
        rounds.take_in(conn, office.settings)
        judged = [row["file_name"][10:-4] for row in office.query("select file_name from ops.submissions where outcome is not null")]
        # an office row may hand a key over: what the office sent late waits, and what comes after it in its district
        assert sorted(judged) == sorted("早别")
        assert warehouse.returns.large_file_is_due(conn)
        rounds.take_in_large(conn, office.settings)
        assert not warehouse.returns.large_file_is_due(conn)
    received = office.query("select file_name, outcome from ops.submissions order by received_at")
    assert [row["file_name"][10:-4] for row in received] == list("早别大后区末")
    assert {row["outcome"] for row in received} == {"accepted"}
    office.ingest()
    assert len(list((office.settings.outbox / "returns").glob("*/*/receipt.json"))) == len(files)


def test_a_large_file_waits_for_what_is_before_it(office, monkeypatch, small_limits):
    monkeypatch.setattr(judging, "PATIENCE_SECONDS", 0.0)
    for number, (unit, name, content) in enumerate([(OTHER, "先", problems_csv(problem("K-1"))), (TOWNSHIP, "大", large(problem("K-1")))]):
        os.utime(office.drop(unit, f"{name}20200624.csv", content), (WHEN + number,) * 2)
    with warehouse.connect(office.settings, "loader") as conn:
        inbox.claim_files(conn, office.settings)
        assert rounds.take_in_large(conn, office.settings) == {}
    office.ingest()
    rejected = office.query("select file_name, rule_id from quarantine.rejected_rows join ops.submissions using (submission_id)")
    assert rejected == [{"file_name": "大20200624.csv", "rule_id": "P11"}]


def test_a_key_that_changes_hands_while_a_large_file_is_judged_is_seen(office, monkeypatch, small_limits):
    """It is judged without the load lock; what others loaded meanwhile makes it be judged again."""
    os.utime(office.drop(TOWNSHIP, "大20200624.csv", large(problem("K-1"))), (WHEN,) * 2)
    lock, times = warehouse.loading.lock_loading, []

    def another_loads_first(conn):
        monkeypatch.setattr(warehouse.loading, "lock_loading", lock)
        times.append(len(office.query("select 1 from ops.gate_results")))
        office.drop(OTHER, "小20200624.csv", problems_csv(problem("K-1")))
        with warehouse.connect(office.settings, "loader") as other:
            inbox.claim_files(other, office.settings)
            rounds.take_in(other, office.settings)
        lock(conn)

    with warehouse.connect(office.settings, "loader") as conn:
        inbox.claim_files(conn, office.settings)
        monkeypatch.setattr(warehouse.loading, "lock_loading", another_loads_first)
        assert rounds.take_in_large(conn, office.settings)["accepted_with_rejections"] == 1
    rejected = office.query("select file_name, rule_id from quarantine.rejected_rows join ops.submissions using (submission_id)")
    assert rejected == [{"file_name": "大20200624.csv", "rule_id": "P11"}]
    assert times == [0]
    counted = office.query("select count(*) from ops.gate_results where rule_id = 'P11'")
    assert counted == [{"count": 2}]
