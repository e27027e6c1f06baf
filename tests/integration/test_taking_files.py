"""What may go wrong while a file is taken: the disk is full, somebody still writes it, another file takes its place, its name is masked."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from duban import warehouse
from duban.intake import inbox
from tests.conftest import Office
from tests.integration.ledgers import OTHER, TOWNSHIP, by_name, problem, problems_csv

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
    record, writers = warehouse.record_claims, []

    def opened(*arguments):
        writers.append(open(path, "ab"))  # noqa: SIM115 — closed below
        return record(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(warehouse, "record_claims", opened)
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
    where, name = {"登记之后": (warehouse, "record_claims"), "改名之前": (os, "rename")}[moment]
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
