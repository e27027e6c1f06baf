"""The report of a day: since when, what changed, what is muted; made again it is the same; and operators are told once."""

from __future__ import annotations

import os
from datetime import date, timedelta

import pytest

from duban import warehouse
from duban.watching import deadlines
from duban.watching.mutes import MuteRefused, mute
from tests.watching.conftest import DISTRICT, TOWNSHIPS, at, report, run, sent

FIRST, SECOND = TOWNSHIPS[:2]
OTHER = "430902"


@pytest.fixture(autouse=True)
def nothing_else_is_wrong(watched, monkeypatch):
    """A backup, a good build, room on the disk: what a test does not break is well."""
    (watched.settings.home / "backups").mkdir(parents=True)
    backup = watched.settings.home / "backups" / "duban-1.tar"
    backup.touch()
    os.utime(backup, (at("2026-12-31 00:00").timestamp(),) * 2)
    monkeypatch.setattr("duban.watching.facts.free_space", lambda settings: {"home": 1 << 40})
    for number, unit in enumerate(TOWNSHIPS):
        sent(watched, unit, f"2026-09-30 10:00:0{number}", report_on="2026-10-09")
    run(watched, "update ops.builds set through_received_at = %s, finished_at = %s", at("2027-01-01 00:00"), at("2026-12-31 00:00"))
    run(
        watched, "insert into ops.live_pages (build_id, through_received_at) select max(build_id), max(through_received_at) from ops.builds"
    )
    run(watched, "delete from raw.campaigns where district_code = %s", DISTRICT)


def operators(office, *districts: str) -> None:
    for code in districts:
        run(
            office,
            "insert into ops.recipients (district_code, audience, channel, address) values (%s, 'operators', 'email', %s)",
            code,
            f"ops@{code}.cn",
        )


def fails(office, when: str, dag_id: str = "build_warehouse") -> None:
    """Something is wrong from now on."""
    with warehouse.connect(office.settings, "publisher") as conn:
        warehouse.watch.record_failure(conn, warehouse.watch.Failure(dag_id, "build", f"{dag_id} {when}", -1, 3, "BuildFailed", "x"))
    run(office, "update ops.task_failures set failed_at = %s where run_id = %s", at(when), f"{dag_id} {when}")


def recovers(office, dag_id: str = "build_warehouse") -> None:
    with warehouse.connect(office.settings, "publisher") as conn:
        warehouse.watch.record_recovery(conn, dag_id, "build", -1)
    run(office, "update ops.task_failures set failed_at = failed_at - interval '5 days'")


def stranger(office, is_there: bool) -> None:
    """A warning."""
    path = office.settings.inbox / "nobody.txt"
    path.touch() if is_there else path.unlink()


def items(office, day: str) -> list[tuple]:
    rows = office.query(
        "select check_code, severity, first_seen_on::text as since, is_new, is_muted from ops.watch_items where watched_on = %s order by 1",
        [day],
    )
    return [tuple(row.values()) for row in rows]


def messages(office) -> list[tuple[str, str]]:
    return [tuple(row.values()) for row in office.query("select subject, text from ops.watch_messages order by message_no")]


# ── facts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_found_stays_since_its_first_day(watched):
    assert report(watched, "2026-10-08 08:30").items == ()
    fails(watched, "2026-10-09 03:00")
    report(watched, "2026-10-09 08:30")
    stranger(watched, True)
    report(watched, "2026-10-10 08:30")
    assert items(watched, "2026-10-09") == [("task_failed", "error", "2026-10-09", True, False)]
    assert items(watched, "2026-10-10") == [
        ("inbox_strangers", "warning", "2026-10-10", True, False),
        ("task_failed", "error", "2026-10-09", False, False),
    ]
    recovers(watched)
    report(watched, "2026-10-11 08:30")
    assert items(watched, "2026-10-11") == [("inbox_strangers", "warning", "2026-10-10", False, False)]
    # gone for a day, it begins anew
    fails(watched, "2026-10-12 03:00")
    report(watched, "2026-10-12 08:30")
    assert ("task_failed", "error", "2026-10-12", True, False) in items(watched, "2026-10-12")


def test_made_again_a_report_is_the_same(watched):
    operators(watched, DISTRICT)
    fails(watched, "2026-10-08 03:00")
    report(watched, "2026-10-08 08:30")
    fails(watched, "2026-10-09 03:00", "ingest_submissions")
    first = report(watched, "2026-10-09 08:30")
    before = watched.query("select * from ops.watch_items order by 1, 2, 3")
    again = report(watched, "2026-10-09 11:00")
    assert watched.query("select * from ops.watch_items order by 1, 2, 3") == before
    assert len(first.message_keys) == 1 and again.message_keys == ()
    assert [row["watched_on"] for row in watched.query("select watched_on from ops.watch_reports order by 1")] == [
        date(2026, 10, 8),
        date(2026, 10, 9),
    ]
    # what is well again on the same day is not in its report any more
    recovers(watched)
    recovers(watched, "ingest_submissions")
    report(watched, "2026-10-09 12:00")
    assert items(watched, "2026-10-09") == []


def test_a_failed_report_leaves_the_one_before(watched, monkeypatch):
    operators(watched, DISTRICT)
    fails(watched, "2026-10-09 03:00")
    report(watched, "2026-10-09 08:30")
    before = watched.query("select * from ops.watch_items")
    fails(watched, "2026-10-09 09:00", "ingest_submissions")
    monkeypatch.setattr(warehouse.watch, "record_message", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        report(watched, "2026-10-09 10:00")
    assert watched.query("select * from ops.watch_items") == before


def test_bi_reads_the_items_at_once(watched):
    fails(watched, "2026-10-09 03:00")
    report(watched, "2026-10-09 08:30")
    import psycopg

    with psycopg.connect(watched.settings.uri("bi_reader")) as conn:
        [row] = conn.execute("select check_code, runbook_anchor, is_new from marts.fct_watch_items").fetchall()
    assert row == ("task_failed", "build_warehouse-build", True)


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_errors_are_told_every_day_and_once_a_day(watched):
    operators(watched, DISTRICT)
    fails(watched, "2026-10-09 03:00")
    for hour in ("08:30", "09:00", "18:00"):
        report(watched, f"2026-10-09 {hour}")
    report(watched, "2026-10-10 08:30")
    (first, text), (second, reminder) = messages(watched)
    assert first == "北塔区督办运行监测 10月9日：错误 1 项" and second.startswith("北塔区督办运行监测 10月10日")
    assert "（新出现）" in text and "docs/runbook.md#build_warehouse-build" in text and "按手册" in text
    assert "（自10月9日起）" in reminder
    assert [row["message_key"] for row in watched.query("select message_key from ops.watch_messages order by 1")] == [
        f"{DISTRICT}-watch-20261009-1",
        f"{DISTRICT}-watch-20261010-1",
    ]


def test_warnings_are_told_when_they_come_and_when_they_go(watched):
    operators(watched, DISTRICT)
    assert report(watched, "2026-10-08 08:30").message_keys == ()
    stranger(watched, True)
    report(watched, "2026-10-09 08:30")
    report(watched, "2026-10-10 08:30")
    stranger(watched, False)
    report(watched, "2026-10-10 10:00")
    report(watched, "2026-10-10 11:00")
    (came, what), (went, gone) = messages(watched)
    assert came.endswith("10月9日：提醒 1 项") and "【提醒】1 项，其中新出现 1 项" in what and "#inbox_strangers" in what
    assert went.endswith("10月10日：没有异常") and "【已消除】收件目录有不会收走的内容 1 项" in gone


def test_infos_are_told_to_nobody(watched):
    operators(watched, DISTRICT)
    fails(watched, "2026-10-09 03:00")
    run(watched, "update ops.task_failures set recovered_at = now()")
    assert [item.severity for item in report(watched, "2026-10-09 08:30").items] == ["info"] and messages(watched) == []


def test_without_operators_nothing_is_written_or_queued(watched):
    fails(watched, "2026-10-09 03:00")
    for audience in ("internal", "leaders", "townships"):
        run(
            watched,
            "insert into ops.recipients (district_code, audience, channel, address) values (%s, %s, 'email', 'a@b.cn')",
            DISTRICT,
            audience,
        )
    assert report(watched, "2026-10-09 08:30").message_keys == ()
    operators(watched, DISTRICT)
    run(watched, "update ops.recipients set is_active = false where audience = 'operators'")
    assert report(watched, "2026-10-09 08:31").message_keys == ()
    assert messages(watched) == [] and watched.query("select from ops.deliveries where subject_kind = 'watch'") == []


def test_operators_are_told_of_their_own_district(watched):
    operators(watched, DISTRICT, OTHER)
    run(watched, "insert into raw.campaigns values (%s, '秋季', '2026-09-28', '2026-10-20')", DISTRICT)
    run(watched, "update ops.submissions set report_on = '2026-09-28'")
    run(watched, "update ops.submissions set received_at = received_at + interval '90 days'")  # no bulletin is due
    assert len(report(watched, "2026-10-09 08:30").message_keys) == 1
    [(subject, text)] = messages(watched)
    assert subject.startswith("北塔区") and "个工作日没有报送" in text
    stranger(watched, True)  # of the installation: everybody's
    assert len(report(watched, "2026-10-09 09:30").message_keys) == 2


def test_a_worse_severity_is_told(watched, monkeypatch):
    operators(watched, DISTRICT)
    run(watched, "insert into raw.campaigns values (%s, '秋季', '2026-09-30', '2026-10-20')", DISTRICT)
    run(watched, "update ops.submissions set report_on = '2026-10-08', received_at = received_at + interval '90 days'")
    run(watched, "delete from ops.submissions where unit_code = %s", FIRST)
    run(watched, "delete from raw.units where unit_code <> %s and district_code = %s and unit_kind <> 'township'", FIRST, DISTRICT)
    report(watched, "2026-10-09 08:30")
    report(watched, "2026-10-10 08:30")
    kinds = [subject.rpartition("：")[2] for subject, _ in messages(watched)]
    assert kinds[0].startswith("提醒") and kinds[1].startswith("错误 1 项")
    assert "（新出现）" in messages(watched)[1][1] and "已消除" not in messages(watched)[1][1]


def test_many_are_counted_and_not_listed(watched):
    operators(watched, DISTRICT)
    for number in range(25):
        fails(watched, "2026-10-09 03:00", f"dag_{number:02}")
    report(watched, "2026-10-09 08:30")
    [(subject, text)] = messages(watched)
    assert "错误 25 项" in subject and "另有 15 项错误" in text and len(text.splitlines()) == 23  # a chapter for each


# ── mutes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def muted(office, code: str, subject: str | None, until: str, reason: str = "已知") -> int:
    with warehouse.connect(office.settings) as conn:
        return mute(conn, code, subject, until, reason, "ops")


def in_days(days: int) -> str:
    from datetime import datetime

    from duban.settings import TIMEZONE

    return f"{datetime.now(TIMEZONE).date() + timedelta(days=days)}"


def test_what_is_muted_is_kept_and_not_told_until_the_mute_ends(watched):
    operators(watched, DISTRICT)
    fails(watched, "2026-10-08 03:00")
    report(watched, "2026-10-08 08:30")
    muted(watched, "task_failed", "build_warehouse.%", in_days(1))
    run(watched, "update ops.watch_mutes set muted_until = '2026-10-09', muted_at = '2026-10-01'")
    report(watched, "2026-10-08 10:00")
    report(watched, "2026-10-09 08:30")
    assert items(watched, "2026-10-09") == [("task_failed", "error", "2026-10-08", False, True)]
    assert len(messages(watched)) == 1  # that it was muted is no news
    report(watched, "2026-10-10 08:30")
    assert items(watched, "2026-10-10") == [
        ("mute_expired", "warning", "2026-10-10", True, False),
        ("task_failed", "error", "2026-10-08", False, False),
    ]
    assert len(messages(watched)) == 2 and "静音已于 10月9日到期" in messages(watched)[1][1]
    report(watched, "2026-10-11 08:30")
    assert [item[0] for item in items(watched, "2026-10-11")] == ["task_failed"]


def test_a_mute_holds_back_what_it_names_and_nothing_else(watched):
    fails(watched, "2026-10-09 03:00")
    fails(watched, "2026-10-09 03:00", "ingest_submissions")
    stranger(watched, True)
    muted(watched, "task_failed", "build_%", in_days(90))
    assert [item.is_muted for item in report(watched, "2026-10-09 08:30").items if item.check_code == "task_failed"] == [True, False]
    assert [item.is_muted for item in report(watched, "2026-10-09 08:30").items if item.check_code == "inbox_strangers"] == [False]
    muted(watched, "task_failed", None, in_days(90))
    assert report(watched, "2026-10-09 08:30").errors == ()


def test_a_mute_replaces_the_one_before(watched):
    first = muted(watched, "late_units", None, in_days(30))
    second = muted(watched, "late_units", None, in_days(0))
    rows = watched.query("select mute_id, ended_at is null as holds from ops.watch_mutes order by 1")
    assert [tuple(row.values()) for row in rows] == [(first, False), (second, True)]


@pytest.mark.parametrize(
    "code,until,reason,says",
    [
        ("no_such_check", 1, "x", "no check"),
        ("late_units", 91, "x", "a mute ends"),
        ("late_units", -1, "x", "a mute ends"),
        ("late_units", "tomorrow", "x", "no day"),
        ("late_units", 1, "  ", "reason"),
    ],
)
def test_a_mute_needs_a_check_a_day_and_a_reason(watched, code, until, reason, says):
    with pytest.raises(MuteRefused, match=says):
        muted(watched, code, None, until if isinstance(until, str) else in_days(until), reason)
    assert watched.query("select from ops.watch_mutes") == []


def test_the_table_refuses_a_mute_without_end(watched):
    import psycopg

    with pytest.raises(psycopg.errors.CheckViolation):
        run(watched, "insert into ops.watch_mutes (check_code, muted_until, reason, muted_by) values ('x', current_date + 100, 'x', 'x')")


# ── deadlines ────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_due(office, now: str) -> bool:
    with warehouse.connect(office.settings, "publisher") as conn:
        return deadlines.report_is_due(conn, office.settings, now=at(now))


def test_a_missed_deadline_is_told_once_and_so_is_its_end(watched):
    operators(watched, DISTRICT)
    assert not is_due(watched, "2026-10-09 10:00")
    waiting = sent(watched, FIRST, "2026-10-09 10:00", None)
    assert not is_due(watched, "2026-10-09 10:14")
    assert is_due(watched, "2026-10-09 10:15")
    report(watched, "2026-10-09 10:15")
    # while it lasts, also after midnight and when one more file waits
    sent(watched, SECOND, "2026-10-09 10:20", None)
    assert not is_due(watched, "2026-10-09 10:40") and not is_due(watched, "2026-10-10 00:05")
    assert [subject for subject, _ in messages(watched)] == ["北塔区督办运行监测 10月9日：错误 1 项"]
    run(watched, "delete from ops.submissions where outcome is null")
    assert is_due(watched, "2026-10-09 10:41")
    report(watched, "2026-10-09 10:41")
    assert messages(watched)[1][0].endswith("没有异常")
    # the next time is another time
    sent(watched, FIRST, "2026-10-09 11:00", None)
    assert is_due(watched, "2026-10-09 11:15")
    report(watched, "2026-10-09 11:15")
    assert len(messages(watched)) == 3 and waiting


def test_a_missing_bulletin_is_a_deadline_on_working_days(watched):
    run(watched, "insert into raw.campaigns values (%s, '秋季', '2026-10-01', '2026-10-20')", DISTRICT)
    # accepted from the 7th on, in the holiday
    run(watched, "update ops.submissions set received_at = received_at + interval '7 days', report_on = '2026-10-20'")
    assert not is_due(watched, "2026-10-07 18:00")
    assert not is_due(watched, "2026-10-08 17:59")
    assert is_due(watched, "2026-10-08 18:00")
    report(watched, "2026-10-08 18:00")
    assert not is_due(watched, "2026-10-09 17:59")
    assert is_due(watched, "2026-10-09 18:00")
    report(watched, "2026-10-09 18:00")
    assert is_due(watched, "2026-10-10 18:00")  # a Saturday that is worked
    report(watched, "2026-10-10 18:00")
    assert not is_due(watched, "2026-10-11 18:00")


def test_a_muted_deadline_starts_nothing(watched):
    sent(watched, FIRST, "2026-10-09 10:00", None)
    muted(watched, "file_not_shown", None, in_days(90))
    report(watched, "2026-10-09 10:15")
    assert not is_due(watched, "2026-10-09 10:30")


def test_a_deadline_that_cannot_be_asked_starts_nothing(watched, monkeypatch):
    def breaks(scene):
        raise ValueError

    from dataclasses import replace

    from duban.watching.checks import DEADLINES

    monkeypatch.setattr(deadlines, "DEADLINES", tuple(replace(check, find=breaks) for check in DEADLINES))
    assert not is_due(watched, "2026-10-09 10:30")
