"""Whom the watch tells: operators, by deliveries, once, and nobody else; the office, on its page; all of it when a deadline is missed."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
import pytest

from duban import warehouse
from duban.publishing import recipients
from duban.publishing.site.pages import render_site
from duban.settings import TIMEZONE
from tests.conftest import Office, Server, open_office
from tests.integration.test_delivery import Recorder, add_recipient, deliver, publish, rejected_file
from tests.watching.conftest import DISTRICT, TOWNSHIPS, report, run, sent

ZIYANG, BEITA = "430902", "430511"


# ── deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_operators_get_watch_reports_and_nothing_else(office):
    for audience in ("internal", "leaders", "townships", "operators"):
        add_recipient(office, f"{audience}@ziyang.example.cn", audience=audience)
    run(office, "update raw.districts set audience = 'townships'")
    publish(office)
    rejected_file(office)
    report(office, datetime.now(TIMEZONE))
    channel = Recorder()
    deliver(office, {"email": channel})
    got: dict[str, set[str]] = {}
    for message in channel.sent:
        got.setdefault(message.address.split("@")[0], set()).add(message.message_id.split(".")[0])
    assert got == {**dict.fromkeys(("internal", "leaders", "townships"), {"issue"}), "operators": {"watch"}}


def test_a_report_is_sent_once_as_it_was_written(office):
    add_recipient(office, "ops@ziyang.example.cn", audience="operators")
    add_recipient(office, "duban_wecom", "wecom", audience="operators")
    now = datetime.now(TIMEZONE)
    [key] = report(office, now).message_keys
    email, robot = Recorder(), Recorder()
    for _ in range(2):
        deliver(office, {"email": email, "wecom": robot})
        report(office, now + timedelta(minutes=1))
    [letter], [note] = email.sent, robot.sent
    assert letter.subject == note.subject and "错误" in letter.subject and "docs/runbook.md#" in letter.text and not letter.attachments
    assert letter.message_id.startswith(f"watch.{key}.email.") and key in letter.message_id
    assert len(office.query("select from ops.deliveries where subject_kind = 'watch'")) == 2


def test_who_is_no_operator_any_more_gets_nothing_that_waits(office):
    add_recipient(office, "ops@ziyang.example.cn", audience="operators")
    report(office, datetime.now(TIMEZONE))
    run(office, "update ops.recipients set is_active = false")
    channel = Recorder()
    assert deliver(office, {"email": channel}).withdrawn == 1 and channel.sent == []


def test_a_report_starts_the_delivery(office):
    add_recipient(office, "ops@ziyang.example.cn", audience="operators")
    with warehouse.connect(office.settings, "publisher") as conn:
        assert not warehouse.deliveries.has_due_deliveries(conn)
        report(office, datetime.now(TIMEZONE))
        assert warehouse.deliveries.has_due_deliveries(conn)


HEADER = "district_code,audience,channel,address,unit_code,series\n"


def test_operators_are_registered_from_a_file(office, tmp_path):
    path = tmp_path / "recipients.csv"
    path.write_text(HEADER + f"{ZIYANG},operators,email,ops@ziyang.example.cn,,\n")
    with warehouse.connect(office.settings) as conn:
        assert recipients.register_recipients(conn, path) == {"email": 1, "deactivated": 0}
        for more in (f"{ZIYANG}000,", ",none"):
            path.write_text(HEADER + f"{ZIYANG},operators,email,ops@ziyang.example.cn,{more}\n")
            with pytest.raises(recipients.RecipientsInvalid, match="leave unit_code and series blank"):
                recipients.register_recipients(conn, path)


def test_the_table_refuses_operators_with_a_unit(office):
    with pytest.raises(psycopg.errors.CheckViolation):
        add_recipient(office, "ops@ziyang.example.cn", audience="operators", unit_code=f"{ZIYANG}000")


def test_the_step_says_what_it_found(watched, monkeypatch, caplog):
    from duban.orchestration import steps

    monkeypatch.setattr(steps, "load_settings", lambda: watched.settings)
    run(watched, "update ops.builds set is_success = false")
    with caplog.at_level("ERROR"):
        assert re.fullmatch(r"\d+ error, \d+ warning, 0 info, 0 muted", steps.watch())
    assert "build_failed: " in caplog.text


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def shown(server: Server, sample_office: Office, tmp_path_factory) -> Iterator[Office]:
    """The sample district after two days of watching."""
    name = sample_office.settings.warehouse_uri.rsplit("/", 1)[1]
    with open_office(server, tmp_path_factory.mktemp("shown") / "home", template=name) as office:
        office.settings.inbox.mkdir(parents=True)
        shutil.copytree(sample_office.settings.landing, office.settings.landing)
        run(office, "insert into raw.campaigns values (%s, '秋季', '2026-09-28', '2026-10-20')", BEITA)
        run(office, "update raw.units set registered_at = '2026-09-01'")
        run(office, "update raw.districts set set_up_by = 'issuer'")
        run(office, "update ops.builds set finished_at = '2026-12-31'")
        sent(office, "430511001", "2026-10-08 10:00")
        (office.settings.inbox / "nobody.txt").touch()
        run(
            office,
            """insert into ops.task_failures (dag_id, task_id, run_id, map_index, try_number, exception_type, failed_at)
               values ('build_warehouse', 'build', 'x', -1, 3, 'BuildFailed', '2026-10-09 03:00+08')""",
        )
        report(office, "2026-10-09 08:30")
        (office.settings.inbox / "nobody.txt").unlink()
        for code, subject in (("late_units", "430511101"), ("task_failed", None)):
            run(
                office,
                """insert into ops.watch_mutes (check_code, subject, muted_until, reason, muted_by, muted_at)
                   values (%s, %s, '2026-10-31', 'x', 'x', '2026-10-09')""",
                code,
                subject,
            )
        report(office, "2026-10-10 08:30")
        yield office


def page(office: Office, district: str, audience: str) -> str | None:
    """The page of a district as its audience finds it."""
    run(office, "update raw.districts set audience = %s", audience)
    with warehouse.connect(office.settings, "publisher") as conn:
        render_site(conn, office.settings.outbox)
    path = office.settings.outbox / "site" / district / "watch.html"
    return path.read_text(encoding="utf-8") if path.exists() else None


def test_the_page_is_for_the_office_alone(shown):
    site = shown.settings.outbox / "site"
    assert page(shown, BEITA, "internal") is not None
    assert "运行监测" in (site / f"{BEITA}.html").read_text(encoding="utf-8")
    for audience in ("leaders", "townships", "off"):
        assert page(shown, BEITA, audience) is None, audience
        for path in site.rglob("*.html"):
            content = path.read_text(encoding="utf-8")
            assert "运行监测" not in content and "watch.html" not in content and "个工作日没有报送" not in content, path
    shutil.rmtree(site)
    assert page(shown, BEITA, "leaders") is None


def test_the_page_says_what_since_when_what_to_do_and_what_changed(shown):
    text = re.sub(r"<[^>]+>", " ", page(shown, BEITA, "internal").partition("</style>")[2])
    text = " ".join(text.split())
    errors, _, rest = text.partition("提醒 出现和消除时通知")
    assert "新滩镇街道已 1 个工作日没有报送" in rest and "10月10日 新" in rest and "电话催报 docs/runbook.md#late_units" in rest
    assert "还没有做过备份 10月9日 运行 make backup" in rest
    assert "错误 须有人处理" in errors and "日通报没有发出" in errors and "make publish" in errors
    assert "状元洲街道已 5 个工作日没有报送" in errors
    # one came, one went, the others stand
    assert "与 10月9日 相比" in text and "已消除 收件目录里有 1 个不会被收走的内容" in text
    muted = text.partition("已静音 2 项")[2]
    assert "陈家桥镇已 5 个工作日没有报送" in muted and "陈家桥镇" not in text.partition("已静音")[0].partition("错误 须有人处理")[2]
    # a day on which all of a check was muted does not count
    assert "近 2 次日报" in text and "流程失败 1 天 10月9日" in text and "备份过旧 2 天 10月10日" in text


def test_a_district_is_shown_its_own_and_the_installation(shown):
    text = page(shown, ZIYANG, "internal")
    assert "街道已" not in text and "还没有做过备份" in text


def test_without_a_report_there_is_no_page(server, shown, tmp_path):
    with open_office(server, tmp_path / "home", template=shown.settings.warehouse_uri.rsplit("/", 1)[1]) as office:
        run(office, "delete from ops.watch_reports")
        assert page(office, BEITA, "internal") is None


# ── the trigger ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def watch_trigger(tmp_path_factory):
    """`duban.orchestration.watch_trigger`, imported with a throwaway Airflow home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        from duban.orchestration import watch_trigger

        yield watch_trigger


def test_the_watcher_fires_once_for_a_missed_deadline(watched, watch_trigger, monkeypatch):
    monkeypatch.setattr("duban.settings.load_settings", lambda: watched.settings)
    monkeypatch.setattr(watch_trigger, "LOOK_SECONDS", 0.05)
    run(watched, "delete from raw.campaigns")

    async def fires_within(seconds: float, times: int = 1) -> int:
        trigger, fired = watch_trigger.WatchTrigger().run(), 0
        try:
            async with asyncio.timeout(seconds):
                while fired < times:
                    await anext(trigger)
                    fired += 1
        except TimeoutError:
            pass
        return fired

    now = datetime.now(TIMEZONE)
    assert asyncio.run(fires_within(1)) == 0
    sent(watched, TOWNSHIPS[0], f"{now - timedelta(minutes=16):%Y-%m-%d %H:%M:%S}", None)
    assert asyncio.run(fires_within(1.5, times=2)) == 1  # and not again while its run is on its way
    report(watched, now)
    assert asyncio.run(fires_within(1)) == 0  # also after a restart of the triggerer
    run(watched, "delete from ops.submissions")
    assert asyncio.run(fires_within(5)) == 1
    monkeypatch.setattr(watch_trigger, "AGAIN_SECONDS", 0.1)
    assert asyncio.run(fires_within(5, times=2)) == 2  # a run that did not come about


def test_the_watcher_is_quiet_while_the_warehouse_is_down(watched, watch_trigger):
    from dataclasses import replace

    nowhere = replace(watched.settings, login_uris={"publisher": "postgresql://duban_publisher:x@127.0.0.1:1/duban"})
    assert watch_trigger._is_due(nowhere) is False


def test_the_watcher_can_be_rebuilt(watch_trigger):
    path, arguments = watch_trigger.WatchTrigger().serialize()
    assert path == "duban.orchestration.watch_trigger.WatchTrigger" and arguments == {}
    assert DISTRICT == BEITA
