"""Killed at any moment: the next run finishes what was begun; nothing is lost, nothing is there twice. Two runs at once: each file once."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import threading
from pathlib import Path

import pytest

from duban import warehouse
from duban.intake import inbox
from duban.intake.sandbox import Sandbox
from duban.orchestration import inbox_trigger
from duban.quality import judging, returns
from tests.faults.moments import killed
from tests.integration.ledgers import OFFICE, OTHER, TOWNSHIP, by_name, counts, problem, problems_csv

PROJECT = Path(__file__).parents[2]
FILES = [
    (TOWNSHIP, "甲20200624.csv", problems_csv(problem("K-1"), problem("K-2"))),
    (OTHER, "乙20200624.csv", problems_csv(problem("K-3"), problem("K-4", 发现日期="六月"))),
    (OFFICE, "丙20200624.csv", problems_csv(problem("K-1", 乡镇="沙头镇"))),
    (OTHER, "丁20200624.csv", problems_csv(problem("K-1", 问题描述="又漏雨了"))),
    (TOWNSHIP, "戊20200624.csv", b"PK\x03\x04broken"),
]
ROWS = [("K-1", "甲"), ("K-1", "丁"), ("K-1", "丙"), ("K-2", "甲"), ("K-3", "乙")]
OUTCOMES = ["accepted", "accepted_with_rejections", "accepted", "accepted", "rejected"]

# moment: (where the function lies, its name, which call of it, killed before or after that call)
KILL_POINTS = {
    "第一份已复制": (inbox, "_copy", 1, "after"),
    "副本已落盘、未改名": (inbox, "sync_filesystem", 1, "after"),
    "再看一遍之后": (inbox, "_is_still", 1, "after"),
    "已登记、未移走": (warehouse.submissions, "record_claims", 1, "after"),
    "改名之后、删除之前": (os, "unlink", 1, "before"),
    "已删除、未登记": (warehouse.submissions, "record_removed", 2, "before"),
    "入库事务之中": (warehouse.loading, "copy_rows", 4, "before"),
    "结果已写、行未写": (warehouse.submissions, "record_outcomes", 2, "after"),
    "待退回已写、行未写": (warehouse.deliveries, "enqueue_deliveries", 2, "after"),
    "入库之后、回执之前": (returns, "write_returns", 1, "before"),
    "回执写到一半": (returns, "_write", 2, "before"),
    "回执已写、未落盘": (returns, "sync_filesystem", 1, "before"),
    "回执已写、未登记": (warehouse.deliveries, "record_in_folder", 1, "before"),
}


def drop_all(office) -> None:
    for number, (unit, name, content) in enumerate(FILES):
        path = office.drop(unit, name, content)
        os.utime(path, (1_600_000_000 + number,) * 2)


def assert_taken_once(office) -> None:
    submissions = by_name(office)
    assert len(office.query("select 1 from ops.submissions")) == len(FILES)
    assert [submissions[name]["outcome"] for _, name, _ in FILES] == OUTCOMES
    rows = office.query("select problem_no, left(source_file, 1) as file from raw.problem_versions")
    assert sorted((row["problem_no"], row["file"]) for row in rows) == sorted(ROWS)
    rejections = office.query("select rule_id from quarantine.rejected_rows order by 1")
    assert [row["rule_id"] for row in rejections] == ["R02", "S01"]
    for unit, name, _ in FILES:
        row = submissions[name]
        assert office.receipt(unit, row["submission_id"])["outcome"] == row["outcome"]
        slips = [path.name for path in office.returned(unit, row["submission_id"]).iterdir() if path.suffix != ".json"]
        assert len(slips) == (row["rejected_count"] > 0 or row["outcome"] == "rejected"), slips
    assert [path for path in office.settings.inbox.rglob("*") if path.is_file()] == []
    assert [row for row in submissions.values() if row["removed_at"] is None] == []
    deliveries = office.query("select subject_id, status from ops.deliveries where (subject_kind, channel) = ('return', 'folder')")
    assert sorted(row["subject_id"] for row in deliveries) == sorted(row["submission_id"] for row in submissions.values())
    assert {row["status"] for row in deliveries} == {"sent"}


@pytest.mark.parametrize("name", list(KILL_POINTS))
def test_killed_and_run_again(office, name):
    drop_all(office)
    assert killed(office.ingest, KILL_POINTS[name]) == -signal.SIGKILL
    office.ingest()
    assert_taken_once(office)


def test_killed_again_and_again(office):
    drop_all(office)
    for point in KILL_POINTS.values():
        killed(office.ingest, point)
    office.ingest()
    assert_taken_once(office)


def test_nothing_counts_as_taken_or_returned_before_it_lies_on_the_disk(office, monkeypatch):
    """Copies: their bytes, then their names, then the claim. Receipts and slips: then that they were returned."""
    steps = []

    def note(where: object, name: str) -> None:
        function = getattr(where, name)

        def noted(*args):
            steps.append((name, {path.name: path.stat().st_size for path in office.settings.home.rglob("*") if path.is_file()}))
            return function(*args)

        monkeypatch.setattr(where, name, noted)

    note(inbox, "sync_filesystem")
    note(returns, "sync_filesystem")
    note(warehouse.submissions, "record_claims")
    note(warehouse.deliveries, "record_in_folder")
    drop_all(office)
    office.ingest()
    assert [name for name, _ in steps] == ["sync_filesystem", "sync_filesystem", "record_claims", "sync_filesystem", "record_in_folder"]
    contents = {hashlib.sha256(content).hexdigest(): len(content) for _, _, content in FILES}
    (_, drafts), (_, named), _, (_, returned), (_, recorded) = steps
    assert (
        sorted(size for name, size in drafts.items() if name.isdigit()) == sorted(contents.values()) and not drafts.keys() & contents.keys()
    )
    assert {name: size for name, size in named.items() if name in contents} == contents
    assert "receipt.json" in returned and returned == recorded


def test_a_file_starts_a_run_when_it_comes_and_when_it_stands_still(office, monkeypatch):
    """One that is copied slowly, by somebody whom the kernel does not know, starts none in between."""
    monkeypatch.setattr(inbox_trigger, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr("duban.settings.load_settings", lambda: office.settings)
    looks, grown, look = [], 12, inbox.look

    def growing(*args):
        looks.append(None)
        if len(looks) <= grown:
            office.drop(OTHER, "长20200624.csv", b"x" * len(looks))
        return look(*args)

    monkeypatch.setattr(inbox, "look", growing)

    async def events() -> list[tuple[int, dict]]:
        seen = []

        async def collect() -> None:
            async for event in inbox_trigger.InboxTrigger().run():
                seen.append((len(looks), event.payload))

        watching = asyncio.create_task(collect())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(60):
                while len(looks) <= grown + 5 and not watching.done():
                    await asyncio.sleep(0.01)
        watching.cancel()
        return seen

    event = {"files": 1, "still_waiting": 0}
    assert asyncio.run(events()) == [(1, event), (grown + 1, event)] and len(looks) > grown + 5


def test_a_return_that_could_not_be_written_is_asked_for_until_it_is(office, monkeypatch):
    monkeypatch.setattr(inbox_trigger, "STALE_SECONDS", 0.0)
    monkeypatch.setattr("duban.settings.load_settings", lambda: office.settings)

    async def event() -> dict:
        async for event in inbox_trigger.InboxTrigger().run():
            return event.payload

    def asked() -> dict | None:
        try:
            return asyncio.run(asyncio.wait_for(event(), 3))
        except TimeoutError:
            return None

    assert asked() is None
    folder = office.settings.outbox / "returns"
    folder.parent.mkdir(parents=True)
    folder.write_bytes(b"a file where the folder should be")
    with pytest.raises(FileExistsError):
        office.send(*FILES[1])
    assert [row["outcome"] for row in office.query("select outcome from ops.submissions")] == ["accepted_with_rejections"]
    assert asked() == {"files": 0, "still_waiting": 1}
    folder.unlink()
    office.ingest()
    [row] = office.query("select * from ops.submissions")
    assert office.receipt(OTHER, row["submission_id"])["counts"]["rejected"] == 1
    assert asked() is None


def test_two_at_once(office):
    drop_all(office)
    failures = []

    def run() -> None:
        try:
            office.ingest()
        except BaseException as error:  # a thread's failure is the test's
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert_taken_once(office)


def test_a_file_replaced_after_it_was_copied_is_taken_too(office, monkeypatch):
    """Another file under the name of a claimed one is given back and taken by the next run."""
    office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(problem("X-1")))
    record = warehouse.submissions.record_claims

    def replaced(*args):
        ids = record(*args)
        office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(problem("X-2"), problem("X-3")))
        monkeypatch.undo()
        return ids

    monkeypatch.setattr(inbox, "REST_SECONDS", 0.0)
    monkeypatch.setattr(warehouse.submissions, "record_claims", replaced)
    office.ingest()
    monkeypatch.setattr(inbox, "REST_SECONDS", 0.0)
    office.ingest()
    rows = office.query("select problem_no from raw.problem_versions order by 1")
    assert [row["problem_no"] for row in rows] == ["X-1", "X-2", "X-3"]


def replaced_while_hidden(monkeypatch, office, content: bytes) -> Path:
    """A file that is replaced just before it is hidden."""
    path = office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(problem("X-1")))
    rename = os.rename

    def late(source, target):
        if source == path:
            monkeypatch.setattr(os, "rename", rename)
            office.drop(TOWNSHIP, path.name, content)
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    return path


@pytest.mark.parametrize("moment", [None, (os, "link", 1, "before"), (os, "link", 1, "after")], ids=["不杀", "归还之前", "归还之后"])
def test_a_file_replaced_just_before_it_is_hidden_is_given_back(office, monkeypatch, moment):
    with monkeypatch.context() as patch:
        path = replaced_while_hidden(patch, office, problems_csv(problem("X-2"), problem("X-3")))
        assert (killed(office.ingest, moment) == -signal.SIGKILL) if moment else (office.ingest() is None)
    office.ingest()
    office.ingest()
    rows = office.query("select problem_no from raw.problem_versions order by 1")
    assert [row["problem_no"] for row in rows] == ["X-1", "X-2", "X-3"]
    assert [row["outcome"] for row in office.query("select outcome from ops.submissions")] == ["accepted"] * 2
    assert list(path.parent.iterdir()) == []


def next_ids(office, number: int) -> list[str]:
    """The submission ids that come next, as a sender can guess them."""
    [row] = office.query("select to_char(now(), 'YYYYMMDD-') as day, last_value + is_called::int as next from ops.submission_no")
    return [f"{row['day']}{row['next'] + ahead:06}" for ahead in range(number)]


def plant(kind: str, path: Path, victim: Path) -> None:
    """Put something that is no claimed file under a name."""
    match kind:
        case "文件夹":
            path.mkdir()
            (path / "里面.txt").write_text("他人的")
        case "链接":
            path.symlink_to(victim)
        case "断链":
            path.symlink_to(victim.with_name("没有"))
        case "管道":
            os.mkfifo(path)
        case "文件":
            path.write_text("他人的")


@pytest.mark.parametrize("moment", [None, "改名之后、删除之前", "已删除、未登记"])
@pytest.mark.parametrize("kind", ["文件夹", "链接", "断链", "管道", "文件"])
def test_what_lies_under_the_name_out_of_sight_is_in_nobodys_way(office, tmp_path, kind, moment):
    path = office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(problem("P-1")))
    victim = tmp_path / "别人的"
    victim.write_bytes(path.read_bytes())
    os.utime(victim, ns=(path.stat().st_mtime_ns,) * 2)
    planted = [path.with_name(f".duban-taken-{identity}") for identity in next_ids(office, 4)]
    for name in planted:
        plant(kind, name, victim)
    before = {entry: entry.lstat() for entry in path.parent.rglob("*") if entry != path}
    if moment:
        assert killed(office.ingest, KILL_POINTS[moment]) == -signal.SIGKILL
    office.ingest()
    office.ingest()
    after = {entry: entry.lstat() for entry in path.parent.rglob("*")}
    assert after.keys() == before.keys() and all(os.path.samestat(after[entry], before[entry]) for entry in before)
    [row] = office.query("select outcome, removed_at from ops.submissions")
    assert row["outcome"] == "accepted" and row["removed_at"] and victim.exists()


def test_what_a_former_version_hid_is_removed(office):
    """It used the name that can be guessed, and was killed before it could delete."""
    path = office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(problem("P-1")))
    [identity] = next_ids(office, 1)
    assert killed(office.ingest, (warehouse.submissions, "record_claims", 1, "after")) == -signal.SIGKILL
    path.rename(path.with_name(f".duban-taken-{identity}"))
    office.ingest()
    assert list(path.parent.iterdir()) == [] and by_name(office)[path.name]["outcome"] == "accepted"


def test_the_same_file_sent_again_while_the_first_is_hidden_is_taken_too(office):
    content = problems_csv(problem("P-1"))
    path = office.drop(TOWNSHIP, "台账20200624.csv", content)
    os.utime(path, (1_600_000_000,) * 2)
    assert killed(office.ingest, KILL_POINTS["改名之后、删除之前"]) == -signal.SIGKILL
    os.utime(office.drop(TOWNSHIP, path.name, content), (1_600_000_000,) * 2)
    office.ingest()
    assert sorted(row["outcome"] for row in office.query("select outcome from ops.submissions")) == ["accepted", "duplicate"]
    assert list(path.parent.iterdir()) == []


def link_the_submission(folder: Path, target: Path) -> Path:
    folder.parent.mkdir(parents=True)
    folder.symlink_to(target)
    return folder


def link_the_unit(folder: Path, target: Path) -> Path:
    folder.parent.parent.mkdir(parents=True)
    folder.parent.symlink_to(target)
    return folder.parent


def block_the_receipt(folder: Path, target: Path) -> Path:
    (folder / "receipt.json" / "里面").mkdir(parents=True)
    return folder / "receipt.json"


@pytest.mark.parametrize("obstruct", [link_the_submission, link_the_unit, block_the_receipt])
def test_a_return_whose_folder_is_obstructed_holds_up_no_other(office, tmp_path, obstruct):
    target = tmp_path / "别处"
    target.mkdir()
    for number, unit in enumerate((TOWNSHIP, OTHER, OFFICE)):
        os.utime(office.drop(unit, f"{number}20200624.csv", b"no ledger %d" % number), (1_600_000_000 + number,) * 2)
    identity, *others = next_ids(office, 3)
    obstacle = obstruct(office.returned(TOWNSHIP, identity), target)
    with pytest.raises(RuntimeError, match=f"1 of 3 returns could not be written: .*/{TOWNSHIP}/{identity}: "):
        office.ingest()
    assert list(target.iterdir()) == []
    for unit, other in zip((OTHER, OFFICE), others, strict=True):
        assert len(list(office.returned(unit, other).iterdir())) == 2
    obstacle.rename(tmp_path / "移开")
    office.ingest()
    assert len(list(office.returned(TOWNSHIP, identity).iterdir())) == 2
    assert office.query("select 1 from ops.deliveries where channel = 'folder' and status = 'waiting'") == []


def test_drafts_of_returns_follow_no_link(office, tmp_path):
    [identity] = next_ids(office, 1)
    folder = office.returned(TOWNSHIP, identity)
    folder.mkdir(parents=True)
    names = ["receipt.draft", "receipt.json", f"退回单-{identity}.draft", f"退回单-{identity}.xlsx"]
    for name in names:
        (tmp_path / name).write_text("别人的")
        (folder / name).symlink_to(tmp_path / name)
    office.send(TOWNSHIP, "坏20200624.csv", b"no ledger")
    assert [(tmp_path / name).read_text() for name in names] == ["别人的"] * 4
    assert sorted(path.name for path in folder.iterdir() if not path.is_symlink()) == ["receipt.json", f"退回单-{identity}.xlsx"]


def test_a_child_that_fails_costs_one_file(office, monkeypatch):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(judging, "Sandbox", lambda module, known, **more: Sandbox("tests.integration.naughty_reader", known, **more))
    monkeypatch.setattr(judging, "seconds_to_read", lambda size: 3)
    for number, word in enumerate(("OK", "DIE", "HANG", "EAT", "RAISE", "LIE", "OK")):
        office.drop(TOWNSHIP, f"{number}{word}20200624.csv", problems_csv(problem(f"Z-{number}", 整改措施=f"{word}!")))
    office.ingest()
    outcomes = {name: (counts(row), [entry["rule_id"] for entry in row["receipt"]["rejections"]]) for name, row in by_name(office).items()}
    rules = {"OK": [], "DIE": ["S01"], "HANG": ["S10"], "EAT": ["S10"], "RAISE": ["S01"], "LIE": ["S01"]}
    assert outcomes == {
        f"{number}{word}20200624.csv": (("accepted", 1, 1, 0, 0) if word == "OK" else ("rejected", 0, 0, 0, 0), rules[word])
        for number, word in enumerate(("OK", "DIE", "HANG", "EAT", "RAISE", "LIE", "OK"))
    }
