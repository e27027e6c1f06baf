"""Each check: what it finds, from when on, and that it is silent when all is well."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from duban import warehouse, working_calendar
from duban.intake import inbox
from duban.orchestration import dbt
from duban.settings import TIMEZONE
from duban.watching import checks, facts
from duban.watching.checks import BY_CODE, CHECK_FAILED, CHECKS, run_checks
from tests.watching.conftest import DISTRICT, TOWNSHIPS, at, found, hang_inbox, judged, levels, rejected, report, run, sent

FIRST, SECOND = TOWNSHIPS[:2]


def test_every_check_is_tested_and_described():
    for check in CHECKS:
        assert f"test_{check.code}" in globals(), f"{check.code} has no test of its name"
        assert check.severity in ("error", "warning", "info") and check.title and check.what_to_do
    assert len({check.code for check in CHECKS}) == len(CHECKS)
    asked = {path.stem for path in Path(facts.__file__).with_name("queries").glob("*.sql")}
    assert {check.code for check in CHECKS if check.find is None} <= asked <= BY_CODE.keys()


def test_folder_silent(watched, monkeypatch):
    now = "2026-09-28 08:30"
    assert levels(watched, "folder_silent", now) == {}
    hang_inbox(monkeypatch)
    assert levels(watched, "folder_silent", now) == {"inbox": "error"}
    # and nothing else waits for it
    for code in ("disk_full", "backup_old", "inbox_strangers", "file_not_shown", "landing_damaged"):
        assert levels(watched, code, now) == {}
    assert "folder_silent" in {item.check_code for item in report(watched, now).items}


# ── late units ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_late_units(watched):
    # nobody has sent anything, and the first working day is not over
    assert levels(watched, "late_units", "2026-09-28 08:30") == {}
    assert levels(watched, "late_units", "2026-09-29 08:30") == dict.fromkeys(TOWNSHIPS, "warning")
    sent(watched, FIRST, "2026-09-28 16:00")
    sent(watched, SECOND, "2026-09-29 16:00", "rejected")  # what was sent back is no report
    assert set(levels(watched, "late_units", "2026-09-29 08:30")) == set(TOWNSHIPS) - {FIRST}


def test_late_units_holiday_and_make_up_saturday(watched):
    sent(watched, FIRST, "2026-09-30 16:00")
    # nobody reports in the holiday, and the first day after it is not over
    for day in ("2026-10-01", "2026-10-05", "2026-10-08"):
        assert FIRST not in levels(watched, "late_units", f"{day} 08:30"), day
    assert levels(watched, "late_units", "2026-10-09 08:30")[FIRST] == "warning"
    # on Sunday two days are missing, 8 and 9, and the Saturday that makes up for the holiday
    assert levels(watched, "late_units", "2026-10-10 08:30")[FIRST] == "warning"
    [late] = [line for line in found(watched, "late_units", "2026-10-11 08:30") if line.subject == FIRST]
    assert late.severity == "error" and "3 个工作日" in late.text and "9月30日" in late.text and late.district_code == DISTRICT


def test_late_units_only_while_there_is_a_campaign(watched):
    # the campaign ends on Tuesday the 20th: asked after on the day after it, and never again
    assert set(levels(watched, "late_units", "2026-10-21 08:30")) == set(TOWNSHIPS)
    assert levels(watched, "late_units", "2026-10-22 08:30") == {}
    # days before it do not count: with two campaigns a silent district is not late for the time between them
    run(watched, "insert into raw.campaigns values (%s, '冬季', '2026-11-02', '2026-11-30')", DISTRICT)
    assert levels(watched, "late_units", "2026-11-03 08:30") == dict.fromkeys(TOWNSHIPS, "warning")


def test_late_units_have_time_from_their_registration_on(watched):
    """A district that is registered in the middle of its campaign owes nothing for days that had begun before."""
    run(watched, "update raw.units set registered_at = '2026-10-13 09:00' where district_code = %s", DISTRICT)
    assert levels(watched, "late_units", "2026-10-13 09:05") == levels(watched, "late_units", "2026-10-14 08:30") == {}
    assert levels(watched, "late_units", "2026-10-15 08:30") == dict.fromkeys(TOWNSHIPS, "warning")
    assert levels(watched, "late_units", "2026-10-17 08:30") == dict.fromkeys(TOWNSHIPS, "error")


# ── files and rows that were sent back ───────────────────────────────────────────────────────────────────────────────


def test_rejected_files(watched):
    for number in range(2):
        rejected(watched, sent(watched, FIRST, f"2026-10-08 1{number}:00", "rejected"), FIRST, "S03")
    rejected(watched, sent(watched, SECOND, "2026-10-07 23:59", "rejected"), SECOND, "S05")
    [line] = found(watched, "rejected_files", "2026-10-09 08:30")
    assert (line.subject, line.district_code) == (FIRST, DISTRICT)
    assert "2 个文件" in line.text and "S03 缺少必填的列" in line.text
    assert levels(watched, "rejected_files", "2026-10-10 08:30") == {}


def test_rejected_rows(watched):
    for unit in (FIRST, SECOND):
        submission_id = sent(watched, unit, f"2026-10-08 1{TOWNSHIPS.index(unit)}:00", "accepted_with_rejections")
        rejected(watched, submission_id, unit, "R05", 3)
        rejected(watched, submission_id, unit, "R05", 4)
    [line] = found(watched, "rejected_rows", "2026-10-09 08:30")
    assert line.subject == f"{DISTRICT}/问题台账/R05" and "退回 4 行，2 个单位" in line.text and "问题台账" in line.text
    assert levels(watched, "rejected_rows", "2026-10-10 08:30") == {}


def test_slips_unanswered(watched):
    first = sent(watched, FIRST, "2026-09-30 10:00", "accepted_with_rejections")
    # the holiday counts for nothing
    assert levels(watched, "slips_unanswered", "2026-10-08 08:30") == {}
    assert levels(watched, "slips_unanswered", "2026-10-09 08:30") == {FIRST: "warning"}
    sent(watched, FIRST, "2026-10-09 09:00", "accepted_with_rejections", corrects_id=first)
    assert levels(watched, "slips_unanswered", "2026-10-09 10:00") == {}
    # what was sent back of the corrected slip is asked after by itself
    assert levels(watched, "slips_unanswered", "2026-10-12 08:30") == {FIRST: "warning"}
    sent(watched, FIRST, "2026-10-12 09:00")
    assert levels(watched, "slips_unanswered", "2026-10-13 08:30") == {}


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rule_never_fires(watched):
    judged(watched, "2026-09-01", 600, 0)
    judged(watched, "2026-09-30", 600, 0)
    assert levels(watched, "rule_never_fires", "2026-10-01 08:30") == {}  # 29 days
    judged(watched, "2026-10-01", 0, 0)
    [line] = found(watched, "rule_never_fires", "2026-10-02 08:30")
    assert line.subject == "problems/P05" and "1200 行" in line.text and "完成日期早于发现日期" in line.text
    assert levels(watched, "rule_never_fires", "2026-10-02 08:30", min_rows=1201) == {}
    judged(watched, "2026-10-02", 1, 1)
    assert levels(watched, "rule_never_fires", "2026-10-03 08:30") == {}


def test_rule_suddenly_fires(watched):
    judged(watched, "2026-09-20", 200, 4)  # 2 %
    judged(watched, "2026-10-09", 100, 10)  # 10 %, five times as much
    [line] = found(watched, "rule_suddenly_fires", "2026-10-10 08:30")
    assert line.subject == "problems/P05" and "10/100" in line.text and "10.0%" in line.text and "2.0%" in line.text
    assert levels(watched, "rule_suddenly_fires", "2026-10-10 08:30", times=6) == {}
    # the day after it is the new measure
    assert levels(watched, "rule_suddenly_fires", "2026-10-11 08:30") == {}
    judged(watched, "2026-10-11", 100, 10)
    assert levels(watched, "rule_suddenly_fires", "2026-10-11 12:00") == {}


# ── files on their way ───────────────────────────────────────────────────────────────────────────────────────────────


def test_file_not_shown(watched):
    now = datetime.now(TIMEZONE)

    def ago(minutes: float) -> str:
        return f"{now - timedelta(minutes=minutes):%Y-%m-%d %H:%M:%S}"

    assert levels(watched, "file_not_shown", now) == {}
    judging = sent(watched, FIRST, ago(16), None)
    assert levels(watched, "file_not_shown", now) == {"judging": "error"}
    assert levels(watched, "file_not_shown", now - timedelta(minutes=2)) == {}
    run(
        watched,
        """update ops.submissions set outcome = 'accepted', received_at = claimed_at, receipt = '{}', row_count = 0, accepted_count = 0,
               rejected_count = 0, ignored_count = 0 where submission_id = %s""",
        judging,
    )
    [line] = found(watched, "file_not_shown", now)
    assert line.subject == "build" and line.text.startswith("1 个文件")
    run(
        watched,
        "insert into ops.builds (through_received_at, finished_at, is_success) values (%s, %s, true)",
        at(ago(16)),
        at(ago(16)),
    )
    assert levels(watched, "file_not_shown", now) == {"page": "error"}
    run(
        watched, "insert into ops.live_pages (build_id, through_received_at) select max(build_id), max(through_received_at) from ops.builds"
    )
    assert levels(watched, "file_not_shown", now) == {}
    # what was sent back wholly is on no page and need not be
    sent(watched, FIRST, ago(15), "rejected")
    assert levels(watched, "file_not_shown", now) == {}


def test_file_not_shown_because_nobody_takes_it(watched):
    path = watched.drop(FIRST, "台账.csv", b"x")
    os.utime(path, (0, 0))  # copied with the time of its content: what counts is when it came to lie there
    now = datetime.now(TIMEZONE)
    assert levels(watched, "file_not_shown", now + timedelta(minutes=14)) == {}
    assert levels(watched, "file_not_shown", now + timedelta(minutes=16)) == {"inbox": "error"}
    path.rename(path.with_name("~$台账.csv"))
    assert levels(watched, "file_not_shown", now + timedelta(minutes=16)) == {}


def test_inbox_strangers(watched):
    watched.drop(FIRST, "台账.csv", b"x")
    for noise in ("~$台账.xlsx", ".~lock.台账.xlsx#", "._台账.xlsx", ".DS_Store", "Thumbs.db", "台账.part"):
        watched.drop(FIRST, noise, b"x")
    assert levels(watched, "inbox_strangers", "2026-10-09 08:30") == {}
    watched.drop("999999999", "王小明.xlsx", b"x")
    [line] = found(watched, "inbox_strangers", "2026-10-09 08:30")
    assert "1 个" in line.text and "999999999" not in line.text
    folder = watched.settings.inbox / FIRST
    (folder / "王小明").mkdir()
    (folder / "王小明.csv").symlink_to("/etc/hostname")
    (folder / "没有.csv").symlink_to("nowhere")
    os.mkfifo(folder / "管道.csv")
    watched.drop(FIRST, ".王小明.csv", b"x")
    before = sorted(watched.settings.inbox.rglob("*"))
    [line] = found(watched, "inbox_strangers", "2026-10-09 08:30")
    assert "6 个" in line.text
    named = inbox.strangers(watched.settings.inbox, [FIRST])
    assert {name.removeprefix(FIRST) for name in named} == {"999999999", "/王小明", "/王小明.csv", "/没有.csv", "/管道.csv", "/.王小明.csv"}
    assert sorted(watched.settings.inbox.rglob("*")) == before


_minutes = itertools.count()


def landed(office, content: bytes, taken: bytes | None = None, **columns) -> tuple[str, Path]:
    """A file that was taken, and where its copy lies; `content` is what lies there, `taken` what was sent."""
    sha256 = hashlib.sha256(taken or content).hexdigest()
    path = inbox.landed(office.settings.landing, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    columns = {"file_sha256": sha256, "file_size": len(taken or content)} | columns
    when = columns.pop("when", f"2026-10-08 10:{next(_minutes):02}")
    return sent(office, FIRST, when, **columns), path


def test_landing_damaged(watched):
    now = "2026-10-09 08:30"
    landed(watched, b"whole", is_whole=True)
    landed(watched, b"what could be read", is_whole=False, file_size=99)
    landed(watched, b"of an earlier version")
    assert levels(watched, "landing_damaged", now) == {}
    # cut off on a full disk, by a version that did not say whether it had read all
    cut, _ = landed(watched, b"who", b"cut off", file_mtime_ns=7)
    [line] = found(watched, "landing_damaged", now)
    assert (line.subject, line.severity) == (FIRST, None) and f"1 个收下的文件，收存的副本丢失或与收到时不一致（{cut}）" in line.text
    # the original came once more, under whatever name
    landed(watched, b"cut off", is_whole=True, file_mtime_ns=7, when="2026-10-08 12:00")
    assert levels(watched, "landing_damaged", now) == {}
    _, changed = landed(watched, b"changed", b"CHANGED", is_whole=True)
    _, lost = landed(watched, b"lost", is_whole=True)
    lost.unlink()
    assert "有 2 个" in found(watched, "landing_damaged", now)[0].text
    # what has its size is read for a month
    assert "有 1 个" in found(watched, "landing_damaged", "2026-11-09 08:30")[0].text
    changed.write_bytes(b"CHANGED")
    lost.write_bytes(b"lost")
    assert levels(watched, "landing_damaged", now) == {}
    # originals out of sight: told once they have left the inbox in the books, not while they are on their way
    original = watched.drop(FIRST, f".duban-taken-{cut}.0123456789abcdef", b"cut off")
    assert levels(watched, "landing_damaged", now) == {f"{FIRST}/original": "error"}
    run(watched, "update ops.submissions set removed_at = null where submission_id = %s", cut)
    assert levels(watched, "landing_damaged", now) == {}
    run(watched, "update ops.submissions set removed_at = claimed_at")
    original.rename(original.with_name("台账.csv"))
    assert levels(watched, "landing_damaged", now) == {}


# ── builds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_build_failed(watched):
    assert levels(watched, "build_failed", "2026-10-09 08:30") == {}
    run(watched, "insert into ops.builds (finished_at, is_success) values (%s, false)", at("2026-10-09 08:00"))
    run(watched, "insert into ops.builds (finished_at, is_success) values (%s, false)", at("2026-10-09 08:10"))
    [line] = found(watched, "build_failed", "2026-10-09 08:30")
    assert "10月9日 08:10" in line.text and "2 次" in line.text
    run(watched, "insert into ops.builds (finished_at, is_success) values (%s, true)", at("2026-10-09 08:20"))
    assert levels(watched, "build_failed", "2026-10-09 08:30") == {}


def test_build_overdue(watched):
    run(watched, "update ops.builds set finished_at = %s", at("2026-10-08 00:06"))
    assert levels(watched, "build_overdue", "2026-10-09 02:00") == {}
    assert levels(watched, "build_overdue", "2026-10-09 02:07") == {"build": "error"}
    run(watched, "update ops.builds set is_success = false")
    assert "还没有成功" in found(watched, "build_overdue", "2026-10-09 02:07")[0].text


# ── issues ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_bulletin_missing(watched):
    sent(watched, FIRST, "2026-10-08 10:00")
    assert levels(watched, "bulletin_missing", "2026-10-08 17:59") == {}
    assert levels(watched, "bulletin_missing", "2026-10-08 18:00") == {f"{DISTRICT}/2026-10-08": "error"}
    # Saturday the 10th is worked, Sunday is not
    sunday = levels(watched, "bulletin_missing", "2026-10-11 18:00")
    assert list(sunday) == [f"{DISTRICT}/2026-10-{day}" for day in ("08", "09", "10")]
    run(
        watched,
        """insert into ops.held_issues (district_code, series, business_on, is_correction, reasons)
           values (%s, 'daily', '2026-10-08', false, '{乡镇齐全：缺甲镇}')""",
        DISTRICT,
    )
    assert f"{DISTRICT}/2026-10-08" not in levels(watched, "bulletin_missing", "2026-10-11 18:00")


def test_issue_held(watched):
    run(
        watched,
        """insert into ops.held_issues (district_code, series, business_on, is_correction, held_at, reasons)
           values (%s, 'daily', '2026-10-08', false, %s, '{问题不减：王小明家的问题不见了,乡镇齐全：缺甲镇}')""",
        DISTRICT,
        at("2026-10-08 17:30"),
    )
    assert levels(watched, "issue_held", "2026-10-08 17:59") == {}
    [line] = found(watched, "issue_held", "2026-10-08 18:00")
    assert line.subject == f"{DISTRICT}/daily/2026-10-08" and line.text.endswith("暂缓：乡镇齐全、问题不减")
    run(watched, "update ops.held_issues set ended_at = now()")
    assert levels(watched, "issue_held", "2026-10-08 18:00") == {}


# ── deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────────


def delivery(office, status: str, when: str = "2026-10-09 06:00", channel: str = "email", error: str | None = None) -> None:
    run(
        office,
        """insert into ops.deliveries (subject_kind, subject_id, channel, address, district_code, status, created_at, last_error, sent_at)
           values ('issue', md5(random()::text), %s, %s, %s, %s, %s, %s, %s)""",
        channel,
        "" if channel == "folder" else "wang@example.cn",
        DISTRICT,
        status,
        at(when),
        error,
        at(when) if status == "sent" else None,
    )


def test_delivery_failed(watched):
    for status in ("sent", "waiting", "sending", "withdrawn"):
        delivery(watched, status)
    assert levels(watched, "delivery_failed", "2026-10-09 08:30") == {}
    delivery(watched, "failed", error="邮件服务器答复 550 wang")
    delivery(watched, "uncertain")
    lines = found(watched, "delivery_failed", "2026-10-09 08:30")
    assert [line.text.rpartition("）")[2] for line in lines] == ["不知道对方是否收到", "没有送达，已停止重试"]
    assert not any("wang" in line.text for line in lines)


def test_delivery_waiting(watched):
    delivery(watched, "waiting", "2026-10-09 07:31")
    assert levels(watched, "delivery_waiting", "2026-10-09 08:30") == {}
    delivery(watched, "waiting", "2026-10-09 06:30", error="未配置：没有邮件服务器连接 duban_smtp")
    delivery(watched, "waiting", "2026-10-09 06:30", error="对方答复 wang 不在")
    delivery(watched, "waiting", "2026-10-09 06:30", "folder")
    by_subject = {line.subject: line.text for line in found(watched, "delivery_waiting", "2026-10-09 08:30")}
    assert set(by_subject) == {f"{DISTRICT}/email", f"{DISTRICT}/folder"}
    email = by_subject[f"{DISTRICT}/email"]
    assert "2 件" in email and "2 小时" in email and "duban_smtp" in email and "wang" not in email


# ── tasks, folders, calendar ─────────────────────────────────────────────────────────────────────────────────────────


def failure(office, when: str, recovered: str | None = None, dag_id: str = "publish_daily_bulletin", run_id: str | None = None) -> None:
    run(
        office,
        """insert into ops.task_failures (dag_id, task_id, run_id, map_index, try_number, exception_type, failed_at, recovered_at)
           values (%s, 'publish', %s, 0, 3, 'WarehouseFailed', %s, %s)""",
        dag_id,
        run_id or when,
        at(when),
        recovered and at(recovered),
    )


def test_task_failed(watched):
    failure(watched, "2026-09-20 10:00")  # forgotten after two weeks
    assert levels(watched, "task_failed", "2026-10-09 08:30") == {}
    failure(watched, "2026-10-08 10:00")
    failure(watched, "2026-10-08 11:00", run_id="again")
    [line] = found(watched, "task_failed", "2026-10-09 08:30")
    assert (line.subject, line.anchor) == ("publish_daily_bulletin.publish", "publish_issues-publish")
    assert line.severity is None and "失败 2 次" in line.text and "WarehouseFailed" in line.text
    run(watched, "update ops.task_failures set recovered_at = now()")
    assert levels(watched, "task_failed", "2026-10-09 08:30") == {"publish_daily_bulletin.publish": "info"}
    assert levels(watched, "task_failed", "2026-10-10 08:30") == {}


def test_disk_full(watched):
    watched.settings.home.mkdir(exist_ok=True)
    [(names, free)] = facts.free_space(watched.settings).items()
    assert names == "home、inbox"  # one disk, asked once; what is not there is not asked
    now = "2026-10-09 08:30"
    assert levels(watched, "disk_full", now, error_free_bytes=0, warning_free_bytes=0) == {}
    assert levels(watched, "disk_full", now, error_free_bytes=0, warning_free_bytes=2 * free) == {names: "warning"}
    assert levels(watched, "disk_full", now, error_free_bytes=2 * free, warning_free_bytes=2 * free) == {names: "error"}


def test_backup_old(watched):
    now = datetime.now(TIMEZONE)
    assert levels(watched, "backup_old", now) == {"backup": "warning"}
    folder = watched.settings.home / "backups"
    folder.mkdir(parents=True)
    backup = folder / "duban-20261009-000000.tar"
    for name in (".duban-20261010.tar.tmp", "other.tar"):
        (folder / name).touch()
    assert levels(watched, "backup_old", now) == {"backup": "warning"}  # neither is a backup
    backup.touch()
    assert levels(watched, "backup_old", now + timedelta(hours=47)) == {}
    assert levels(watched, "backup_old", now + timedelta(hours=49)) == {"backup": "warning"}
    os.utime(backup, (time.time() - 8 * 86400,) * 2)
    assert levels(watched, "backup_old", now) == {"backup": "error"}


def test_calendar_provisional(watched):
    # the calendar of 2026 is known, that of 2027 is not; it is said 60 days before
    assert levels(watched, "calendar_provisional", "2026-11-01 08:30") == {}
    [line] = found(watched, "calendar_provisional", "2026-11-02 08:30")
    assert line.severity is None and "2027年1月1日" in line.text
    assert levels(watched, "calendar_provisional", "2027-01-04 08:30") == {"calendar": "error"}


NOTICE = [
    *(("2027-01-01", "false", "元旦"), ("2027-01-02", "放假", "元旦"), ("2027-02-06", "上班", "春节"), ("2027-02-08", "false", "春节")),
    *(("2027-04-05", "false", "清明"), ("2027-05-03", "false", "劳动节"), ("2027-06-09", "false", "端午")),
    *(("2027-09-15", "false", "中秋"), ("2027-10-01", "false", "国庆节"), ("2027-10-09", "true", "国庆节")),
]


def test_the_calendar_that_an_office_enters(watched):
    """Before: nobody works on the days that the law fixes, all else is a guess. After: as the notice says, also after a full refresh."""

    def calendar() -> dict[str, tuple]:
        rows = watched.query("select * from marts.dim_dates where date_on >= '2026-12-31'")
        return {str(row["date_on"]): (row["is_working_day"], row["holiday_name"], row["is_provisional"]) for row in rows}

    guessed = calendar()
    assert guessed["2026-12-31"] == (True, None, False) and guessed["2027-01-01"] == (False, "元旦", True)
    assert guessed["2027-02-08"] == (True, None, True) and guessed["2027-10-04"] == (True, None, True)
    off = {day for day, (is_working_day, name, _) in guessed.items() if name}
    assert off == {"2027-01-01", "2027-05-01", "2027-05-02", "2027-10-01", "2027-10-02", "2027-10-03"}
    with warehouse.connect(watched.settings) as conn:
        rows = [dict(zip(working_calendar.COLUMNS, row, strict=True)) for row in NOTICE]
        for _ in range(2):
            assert working_calendar.enter(conn, rows, this_year=2026) == {2027: 10}
        for wrong, why in (
            (rows[1:2], "2027 has no 春节、清明、劳动节、端午、中秋、国庆"),
            ([*rows, rows[0]], "line 12: 2027-01-01 stands there twice"),
            ([{**rows[0], "is_working_day": "true"}], "line 2: 2027-01-01 is no weekend"),
            ([{**rows[0], "date_on": "1月1日"}], "line 2: '1月1日' is no day"),
            ([{**rows[0], "is_working_day": "休"}], "line 2: is_working_day is true"),
            ([{**rows[0], "holiday_name": " "}], "line 2: holiday_name is missing"),
            ([{**row, "date_on": f"2019{row['date_on'][4:]}", "is_working_day": "false"} for row in rows], "2019 is past"),
            ([], "no day is in it"),
        ):
            with pytest.raises(working_calendar.CalendarInvalid, match=re.escape(why)):
                working_calendar.enter(conn, wrong)
    dbt.build(watched.settings, "nightly", full_refresh=True)
    entered = calendar()
    assert not any(is_provisional for _, _, is_provisional in entered.values())
    assert entered["2027-02-06"] == (True, None, False) and entered["2027-02-08"] == (False, "春节", False)
    assert entered["2027-10-04"] == (True, None, False) and entered["2027-01-04"] == (True, None, False)
    assert levels(watched, "calendar_provisional", "2027-01-04 08:30") == {}


def test_mute_expired(watched):
    run(
        watched,
        "insert into ops.watch_mutes (check_code, subject, muted_until, reason, muted_by, muted_at) values (%s, %s, %s, 'x', 'x', %s)",
        "late_units",
        FIRST,
        at("2026-10-09 00:00").date(),
        at("2026-10-01 00:00"),
    )
    assert levels(watched, "mute_expired", "2026-10-09 08:30") == {}
    [line] = found(watched, "mute_expired", "2026-10-10 08:30")
    assert "10月9日" in line.text and f"late_units {FIRST}" in line.text
    assert levels(watched, "mute_expired", "2026-10-11 08:30") == {}


# ── checks that cannot be asked ──────────────────────────────────────────────────────────────────────────────────────


def test_a_broken_check_is_an_error_and_stops_no_other(watched, monkeypatch):
    def breaks(scene):
        raise ValueError("王小明")

    def asks_nothing(scene):
        return scene.conn.execute("select * from ops.nothing")

    broken = [replace(BY_CODE["disk_full"], find=breaks), replace(BY_CODE["build_failed"], find=asks_nothing)]
    with warehouse.connect(watched.settings, "publisher") as conn, conn.transaction():
        results = run_checks(
            conn, watched.settings, at("2026-10-09 08:30"), None, [*broken, BY_CODE["delivery_failed"], BY_CODE["backup_old"]]
        )
    assert [(check.code, line.subject) for check, line in results] == [
        ("check_failed", "disk_full"),
        ("check_failed", "build_failed"),
        ("backup_old", "backup"),
    ]
    assert CHECK_FAILED.severity == "error" and "王小明" not in results[0][1].text and "ValueError" in results[0][1].text


def test_rules_that_cannot_be_read_do_not_blind_the_watch(watched, monkeypatch):
    def unreadable(settings):
        raise ValueError("rules.yml")

    monkeypatch.setattr(checks, "load_expectations", unreadable)
    judged(watched, "2026-09-20", 200, 4)
    judged(watched, "2026-10-09", 100, 10)
    assert levels(watched, "rule_suddenly_fires", "2026-10-10 08:30") == {"problems/P05": "warning"}


def test_an_installation_without_marts_is_watched(office):
    """Before the first build: what asks the calendar is left out, and that there is no build is said."""
    with warehouse.connect(office.settings, "publisher") as conn:
        results = run_checks(conn, office.settings, datetime.now(TIMEZONE), None)
    codes = {check.code for check, _ in results}
    assert "check_failed" not in codes and "build_overdue" in codes
