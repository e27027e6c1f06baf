"""Publishing: documents are made in the transaction that freezes; checks hold, persons release; a folder holds a whole issue or none."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from duban import warehouse
from duban.orchestration import dbt
from duban.publishing import issuers
from duban.publishing.issues import checks, publishing, writing
from duban.publishing.issues.checks import Held
from duban.publishing.issues.freezing import DUE_SOON_WORKDAYS, Issue, Refused, Release
from duban.publishing.issues.series import DAILY, MONTHLY, SERIES, WEEKLY
from tests.conftest import Office, csv_bytes, open_office
from tests.integration.accepted_rows import read_accepted
from tests.integration.ledgers import OFFICE, OTHER, PROBLEM_HEADER, TOWNSHIP, problem, problems_csv
from tests.oracle import publications as oracle

DISTRICT = "430902"
DAY, LAST_DAY = date(2020, 6, 24), date(2020, 6, 30)
FIXED = {"整改措施": "已修缮", "整改状态": "未整改"}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def prepared(server, installed, tmp_path_factory) -> Iterator[Office]:
    """A warehouse with problems of two townships."""
    with open_office(server, tmp_path_factory.mktemp("publishing") / "home", installed) as office:
        for unit, key in ((TOWNSHIP, "甲"), (OTHER, "乙")):
            rows = [problem(f"{key}-{number}") for number in range(5)]
            assert office.send(unit, f"{key}20200622.csv", problems_csv(*rows))["outcome"] == "accepted"
        dbt.build(office.settings, "nightly", today=LAST_DAY)
        yield office


@pytest.fixture
def office(server, prepared: Office, tmp_path) -> Iterator[Office]:
    """A copy of it for one test."""
    name = prepared.settings.warehouse_uri.rsplit("/", 1)[1]
    with open_office(server, tmp_path / "home", template=name) as copy:
        yield copy


def publish(office: Office, day: date = DAY, series=DAILY, login: str = "publisher", **options) -> Issue | None:
    with warehouse.connect(office.settings, login) as conn:
        return publishing.publish(conn, series, DISTRICT, day, **{"settle_seconds": 0.0, **options})


def write(office: Office, issue: Issue) -> Path:
    with warehouse.connect(office.settings, "publisher") as conn:
        return writing.keep_in_folder(conn, office.settings, issue.publication_id)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_the_threshold_of_due_soon_is_that_of_the_warehouse():
    project = (ROOT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8")
    assert re.search(r"due_soon_workdays: (\d+)", project).group(1) == str(DUE_SOON_WORKDAYS)


@pytest.mark.parametrize("series", SERIES.values(), ids=lambda series: series.code)
def test_an_issue_lies_in_its_folder_as_the_warehouse_keeps_it(office, series):
    issue = publish(office, series=series)
    folder = write(office, issue)
    assert folder == office.settings.outbox / "publications" / DISTRICT / series.code / "2020" / "1"
    files = contents(folder)
    assert sorted(Path(name).suffix for name in files) == [".docx", ".html", ".json", ".xlsx"]
    said = manifest(folder)
    assert said["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != "manifest.json"}
    assert (said["series"], said["issue_no"], said["business_on"], said["rule_code"]) == (series.code, 1, "2020-06-24", "ZY-2020-R1")
    assert said["data_fingerprint"] == issue.data_fingerprint and said["counts"]["problems"] == 10
    kept = office.query("select file_name, content, sha256 from published.documents")
    assert {row["file_name"]: bytes(row["content"]) for row in kept} == files
    assert all(hashlib.sha256(row["content"]).hexdigest() == row["sha256"] for row in kept)
    with warehouse.connect(office.settings, "publisher") as conn:
        again = writing.render_documents(writing.read_frozen(conn, issue))
    assert again == files, "same rows, other bytes"


def test_what_was_lost_or_changed_in_the_folder_comes_back(office):
    issue = publish(office)
    folder = write(office, issue)
    files = contents(folder)
    [docx] = folder.glob("*.docx")
    docx.write_bytes(b"edited by hand")
    next(iter(folder.glob("*.xlsx"))).unlink()
    assert publish(office) == issue and write(office, issue) == folder and contents(folder) == files
    untouched = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    write(office, issue)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == untouched


def test_a_link_in_the_place_of_a_draft_is_not_followed(office, tmp_path):
    folder = write(office, issue := publish(office))
    [docx] = folder.glob("*.docx")
    files, elsewhere = contents(folder), tmp_path / "elsewhere"
    elsewhere.write_bytes(b"of others")
    docx.write_bytes(b"edited by hand")
    docx.with_name(f".{docx.name}.draft").symlink_to(elsewhere)
    assert contents(write(office, issue)) == files and elsewhere.read_bytes() == b"of others"


def test_out_of_order_and_again(office):
    order = [date(2020, 6, 29), date(2020, 6, 22), date(2020, 6, 24)]
    folders = [write(office, publish(office, day)) for day in order]
    before = [contents(folder) for folder in folders]
    assert [folder.name for folder in folders] == ["1", "2", "3"]
    assert [write(office, publish(office, day)) for day in reversed(order)] == folders[::-1]
    assert [contents(folder) for folder in folders] == before


def test_a_document_that_cannot_be_made_leaves_nothing(office, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(writing, "render_xlsx", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            publish(office)
    assert (
        office.query("select * from published.publications")
        == []
        == office.query("select * from ops.deliveries where subject_kind = 'issue'")
    )
    assert publish(office).issue_no == 1


POINTS = {
    "in the freeze": "whole = freezing._statement; freezing._statement = lambda parts: whole(parts).replace("
    "'select * from issue', 'select issue.* from issue, pg_sleep(60)')",
    "before the documents": "publishing.make_documents = lambda *_: die()",
    "before the deliveries": "publishing.delivery.enqueue_issue = lambda *_: die()",
    "after the commit": "writing.keep_in_folder = lambda *_: die()",
    "between the files": "writing.sync_filesystem = lambda *_: die()",
}


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point(office, point):
    """No gap, no half issue on disk, and the next run ends where an undisturbed one does."""
    script = textwrap.dedent(f"""
        import os, signal
        from datetime import date
        from duban import warehouse
        from duban.publishing.issues import freezing, publishing, writing
        from duban.publishing.issues.series import DAILY
        from duban.settings import load_settings

        def die():
            os.kill(os.getpid(), signal.SIGKILL)

        {POINTS[point]}
        settings = load_settings()
        with warehouse.connect(settings, "publisher") as conn:
            issue = publishing.publish(conn, DAILY, "{DISTRICT}", date(2020, 6, 24), settle_seconds=0)
            writing.keep_in_folder(conn, settings, issue.publication_id)
    """)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DUBAN_", "PG"))},
        "PYTHONPATH": f"{ROOT / 'dags'}",
        "DUBAN_HOME": str(office.settings.home),
        "DUBAN_HMAC_KEY": "key",
        "AIRFLOW_CONN_WAREHOUSE": office.settings.warehouse_uri,
        "AIRFLOW_CONN_WAREHOUSE_PUBLISHER": office.settings.uri("publisher"),
    }
    office.settings.home.mkdir(parents=True, exist_ok=True)
    run = subprocess.Popen([sys.executable, "-c", script], env=environment, stderr=subprocess.PIPE, text=True)
    if point == "in the freeze":
        asleep = "select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
        while not office.query(asleep):
            assert run.poll() is None, run.stderr.read()
            time.sleep(0.05)
        run.kill()
    _, said = run.communicate(timeout=60)
    assert run.returncode == -signal.SIGKILL, said
    publications = office.settings.outbox / "publications" / DISTRICT / "daily" / "2020"
    assert not (publications / "1").exists()
    with warehouse.connect(office.settings) as conn:  # the server notices when it next writes to the one that is gone
        conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'")
    issue = publish(office)
    written = office.query("select count(*) as of_issue from published.documents group by publication_id")
    assert issue.issue_no == 1 and [row["of_issue"] for row in written] == [4]
    assert publish(office, LAST_DAY).issue_no == 2
    folder = write(office, issue)
    assert len(contents(folder)) == 4 and manifest(folder)["data_fingerprint"] == issue.data_fingerprint
    assert list(folder.parent.glob(".*")) == []


# ── corrections ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_correction_says_what_changed_and_changes_no_issue(office):
    folder = write(office, publish(office))
    before = contents(folder)
    late = problem("甲-0", 整改时限="2020-06-10")
    assert office.send(TOWNSHIP, "迟20200623.csv", problems_csv(late))["outcome"] == "accepted"
    correction = publish(office, is_correction=True)
    corrected = write(office, correction)
    assert (correction.issue_no, correction.corrects_issue_no) == (2, 1)
    [page] = corrected.glob("*.html")
    text = page.read_text(encoding="utf-8")
    assert "更正说明" in text and "本期更正第1期" in text and "全区超期数" in text
    assert 'data-figure="before.total.overdue_count"' in text
    said = manifest(corrected)
    assert said["title"].endswith("（更正）") and said["corrects_issue_no"] == 1
    assert (said["figures"]["total.overdue_count"]["value"], manifest(folder)["figures"]["total.overdue_count"]["value"]) == (1, 0)
    assert contents(folder) == before


def test_a_weekly_correction_brings_a_first_project(office):
    """What was not there before, and counts as nothing now, is no change; what is new is said."""
    assert publish(office, date(2020, 6, 28), WEEKLY).issue_no == 1
    header = ["项目编号", "项目名称", "项目类别", "计划总投资(万元)", "计划开工日期", "实际开工日期"]
    row = ["XM-1", "村道硬化", "基础设施", "10", "2020-06-01", "2020-06-23"]
    assert office.send(TOWNSHIP, "项目台账20200624.csv", csv_bytes([header, row]))["outcome"] == "accepted"
    correction = publish(office, date(2020, 6, 28), WEEKLY, is_correction=True)
    [page] = write(office, correction).glob("*.html")
    changes = re.findall(
        r'<tr><th scope="row">([^<]*)</th><td class="number">(.*?)</td><td class="number">(.*?)</td></tr>', page.read_text("utf-8")
    )
    said = {label: tuple(re.sub(r"<[^>]+>", "", text) for text in texts) for label, *texts in changes}
    assert said["全区项目数"] == ("0", "1") and said["迎风桥镇项目数"] == ("—", "1")
    assert all(before != now for before, now in said.values())


# ── checks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def failing(name: str, query: str = "select '有误'") -> tuple[checks.Check, ...]:
    return tuple(checks.Check(check.name, query) if check.name == name else check for check in checks.CHECKS)


def held(office: Office) -> list[dict]:
    return office.query(
        "select district_code, series, business_on, reasons, publication_id, ended_at is null as is_open from ops.held_issues"
    )


# What each check protects from, made to happen. A statement damages the warehouse; the functions of the marts answer from it.
BREACHES = {
    "乡镇齐全": (
        """insert into raw.townships (township_code, district_code, township_name, township_kind, is_ranked, display_order)
           values ('430902999', '430902', '新设镇', '镇', true, 99)""",
        "缺新设镇",
    ),
    "问题不减": (
        """delete from raw.problem_versions where problem_no = '甲-3'""",
        "问题总数比2020-06-22的第1期少，有1个问题既没有撤销，也没有更正发现日期：甲-3",
    ),
    "数据及时": (
        """insert into ops.submissions
               (submission_id, district_code, unit_code, inbox_path, file_name, file_sha256, file_size, file_mtime_ns, claimed_at)
           values ('x', '430902', '430902102', 'x', 'x', 'x', 1, 1, now() - interval '61 seconds')""",
        "1份已收到的文件还没有核对完：迎风桥镇",
    ),
    # as what was loaded before names were masked
    "疑似姓名": (
        """update raw.problem_versions set description = '经核实马华安户漏雨', source_file = '马华安户.csv' where problem_no = '甲-3'""",
        "有2处像是户主姓名，请核对并更正原台账：甲-3的来源文件、甲-3的问题描述",
    ),
}
# Frozen rows that a fault in the functions would give.
WRONG_ROWS = {
    "数字相符": (
        "set rectified_count = rectified_count + 1, open_count = open_count - 1",
        "迎风桥镇排名表为5/1/0/0（问题/到位/超期/退回反弹），明细为5/0/0/0",
    ),
    "比率范围": ("set rectified_pct = 100.1", "迎风桥镇整改率100.1%"),
    "增减相符": (
        "set open_before_count = open_before_count - 1",
        "迎风桥镇现有未整改5个，比期初4个加减新发现、重新打开、销号、撤销和调动多1个",
    ),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_check_that_fails_holds_the_issue(office, name):
    statement, fault = BREACHES[name]
    assert publish(office, date(2020, 6, 22)).issue_no == 1
    office.settings.home.mkdir(parents=True, exist_ok=True)
    with warehouse.connect(office.settings) as conn:
        conn.execute(statement)
    with pytest.raises(Held, match=re.escape(f"{name}：{fault}")):
        publish(office)
    assert len(office.query("select * from published.publications")) == 1
    [line] = held(office)
    assert line["is_open"] and line["reasons"] == [f"{name}：{fault}"] and line["business_on"] == DAY
    with warehouse.connect(office.settings) as conn:
        conn.execute("delete from raw.townships where township_code = '430902999'")
        conn.execute("delete from ops.submissions where submission_id = 'x'")
        conn.execute("update raw.problem_versions set description = '屋顶漏雨未修', source_file = '甲.csv' where problem_no = '甲-3'")
    if name != "问题不减":
        # the reason is gone: published as if nothing had been
        issue = publish(office)
        assert issue.issue_no == 2 and issue.held_for == [] and issue.release_reason is None
        [line] = held(office)
        assert not line["is_open"] and line["publication_id"] == issue.publication_id


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_checks_look_at_the_frozen_rows(office, name, monkeypatch):
    """The rows are changed between the freeze and the checks, as a wrong function would have given them."""
    change, fault = WRONG_ROWS[name]
    found = []

    def look(conn, issue):
        conn.execute("alter table published.ranking_rows disable trigger stays")
        conn.execute(f"update published.ranking_rows {change} where township_code = %s", [TOWNSHIP])
        found.extend(checks.failed_checks(conn, issue))
        raise Held(tuple(found))

    monkeypatch.setattr(publishing, "failed_checks", look)
    with pytest.raises(Held):
        publish(office, login="operator")  # who alone can change what is frozen
    assert any(reason.startswith(f"{name}：{fault}") for reason in found), found
    # a wrong number of open problems cannot be added up either
    assert {reason.split("：")[0] for reason in found} - {"增减相符"} == {name} - {"增减相符"}
    assert office.query("select * from published.publications") == []


def test_what_is_explained_is_not_held(office):
    """The office voids one problem and hands one to another township, a township corrects a day of finding: the count falls for reasons."""
    assert publish(office, date(2020, 6, 22)).issue_no == 1
    void = problem("甲-1", 乡镇="迎风桥镇", 整改状态="撤销")
    header_void = problems_csv(void).decode().replace("整改措施", "撤销原因").encode()
    header_void = header_void.replace(",撤销,".encode(), ",撤销,重复登记".encode())
    assert office.send(OFFICE, "撤20200623.csv", header_void)["outcome"] == "accepted"
    assert office.send(OFFICE, "转20200624.csv", problems_csv(problem("甲-2", 乡镇="沙头镇")))["outcome"] == "accepted"
    assert office.send(TOWNSHIP, "改20200624.csv", problems_csv(problem("甲-3", 发现日期="2020-06-05")))["outcome"] == "accepted"
    issue = publish(office)
    [total] = office.query(
        "select sum(assigned_count)::integer as assigned from published.ranking_rows where publication_id = %s", [issue.publication_id]
    )
    assert total["assigned"] == 9


def report(office: Office, unit: str, day: str, key: str, **cells: str) -> None:
    """One row of a ledger reported on a day."""
    header = [*PROBLEM_HEADER, "完成日期", "印证资料", "撤销原因"]
    row = dict(zip(header, [*problem(key), "", "", ""], strict=True)) | cells
    sent = office.send(unit, f"{key}-{day}.csv", csv_bytes([header, [row[name] for name in header]]))
    assert sent["outcome"] == "accepted", sent


def test_what_was_withdrawn_moved_or_restored_is_said_and_adds_up(office):
    """From issue to issue: withdrawn while open, while rectified, on a rest day, before it was counted, and late; moved; taken back."""
    void = {"整改状态": "撤销"}
    done = {"整改状态": "整改到位", "整改措施": "已修缮", "完成日期": "2020-06-23", "印证资料": "照片"}
    published = [publish(office, date(2020, 6, 22))]
    report(office, TOWNSHIP, "20200623", "甲-0", **done)
    report(office, OFFICE, "20200623", "甲-1", 乡镇="迎风桥镇", 撤销原因="重复登记", **void)
    published.append(publish(office, date(2020, 6, 23)))
    report(office, OFFICE, "20200624", "甲-0", 乡镇="迎风桥镇", 撤销原因="不属实", **void)
    report(office, OFFICE, "20200624", "甲-2", 乡镇="沙头镇")
    report(office, TOWNSHIP, "20200624", "甲-9")
    report(office, OFFICE, "20200624", "甲-9", 乡镇="迎风桥镇", 撤销原因="误报", **void)
    published.append(publish(office))
    report(office, OFFICE, "20200623", "乙-1", 乡镇="沙头镇", 撤销原因="迟到的撤销", **void)
    report(office, OFFICE, "20200626", "乙-2", 乡镇="沙头镇", 撤销原因="节日撤销", **void)
    report(office, OFFICE, "20200628", "甲-1", 乡镇="迎风桥镇")
    last = date(2020, 6, 28)
    published += [publish(office, last), publish(office, last, series=WEEKLY)]
    report(office, OFFICE, "20200628", "乙-3", 乡镇="沙头镇", 撤销原因="隔日才到", **void)
    published.append(publish(office, LAST_DAY))  # about the 29th there is none
    said, texts = [], []
    with warehouse.connect(office.settings, "publisher") as conn:
        accepted = read_accepted(conn)
        for issue in published:
            files = writing.render_documents(writing.read_frozen(conn, issue))
            said.append({code: figure["value"] for code, figure in json.loads(files["manifest.json"])["figures"].items()})
            texts.append(re.sub(r"<[^>]+>", "", next(content for name, content in files.items() if name.endswith(".html")).decode()))
            expected = oracle.issue_figures(accepted, issue.series, DISTRICT, issue.business_on, issue.known_at)
            assert {code: said[-1].get(code) for code in expected if code.startswith(("total.", "township."))} == {
                code: value if value is None or isinstance(value, int) else str(value)
                for code, value in expected.items()
                if code.startswith(("total.", "township."))
            }

    def total(issue: int, *names: str) -> list[int]:
        return [said[issue][f"total.{name}_count"] for name in names]

    chain = ("open_before", "found", "relapsed", "closed", "withdrawn_open", "open")
    assert total(1, *chain) == [10, 0, 0, 1, 1, 8]
    assert total(2, *chain) == [8, 0, 0, 0, 0, 8]
    assert total(2, "withdrawn", "withdrawn_rectified", "withdrawn_other") == [2, 1, 1]
    moved = ("open_before", "moved_in", "moved_out", "found", "closed", "open")
    assert [said[2][f"township.{TOWNSHIP}.{name}_count"] for name in moved] == [3, 0, 1, 0, 0, 2]
    assert [said[2][f"township.{OTHER}.{name}_count"] for name in moved] == [5, 1, 0, 0, 0, 6]
    assert total(3, "open_printed", "open_previous", "rest_withdrawn", *chain) == [8, 7, 1, 6, 1, 0, 0, 0, 7]
    assert total(3, "withdrawn", "withdrawn_other", "restored", "first_reported") == [2, 2, 1, 0]
    assert total(4, "withdrawn", "withdrawn_other", *chain) == [4, 4, 0, 7, 0, 0, 0, 7]
    assert "甲-1迎风桥镇6月23日未整改重复登记" in re.sub(r"\s", "", texts[1])
    assert "甲-0迎风桥镇6月24日整改到位不属实" in re.sub(r"\s", "", texts[2])
    assert "第3期印发时6月24日未整改8个，其后收到的报送使该日的数字成为7个" in texts[3] and "其中1个撤销后又恢复" in texts[3]
    assert all(reason in texts[3] for reason in ("迟到的撤销", "节日撤销"))
    assert all(reason in texts[4] for reason in ("迟到的撤销", "节日撤销", "误报", "不属实")) and "重复登记" not in texts[4]
    assert total(5, "withdrawn", "withdrawn_other", *chain) == [1, 1, 6, 0, 0, 0, 0, 6] and "隔日才到" in texts[5]
    assert "total.open_printed_count" not in said[5]
    [row] = office.query("select * from marts.withdrawals_as_of('430902', '2020-06-28', now()) where problem_no = '乙-2'")
    assert (row["void_reason"], row["withdrawn_on"], row["source_file"]) == ("节日撤销", date(2020, 6, 26), "乙-2-20200626.csv")


def test_a_person_releases_for_what_was_seen_and_nothing_else(office, monkeypatch):
    """Also when the other reasons were recorded since: the person answers for what he was asked about."""
    monkeypatch.setattr(checks, "CHECKS", failing("比率范围"))
    seen = Release("李主任", "已逐项核对", ("比率范围：有误",))
    with pytest.raises(Held):
        publish(office)
    monkeypatch.setattr(checks, "CHECKS", failing("比率范围", "select '另有误'"))
    for _ in range(2):
        with pytest.raises(Held, match="另有误"):
            publish(office, release=seen)
    monkeypatch.setattr(checks, "CHECKS", failing("比率范围"))
    issue = publish(office, release=seen)
    assert (issue.held_for, issue.released_by, issue.release_reason) == (["比率范围：有误"], "李主任", "已逐项核对")
    assert publish(office) == issue
    [line] = held(office)
    assert not line["is_open"] and line["publication_id"] == issue.publication_id
    said = manifest(write(office, issue))
    assert (said["held_for"], said["released_by"], said["release_reason"]) == (["比率范围：有误"], "李主任", "已逐项核对")


def test_a_release_without_a_hold_is_no_release(office):
    issue = publish(office, release=Release("李主任", "以防万一", ()))
    assert issue.held_for == [] and issue.release_reason is None


def test_a_file_that_has_just_been_taken_holds_nothing(office):
    """It has a minute to be judged, and counts in the next issue or a correction."""
    with warehouse.connect(office.settings) as conn:
        conn.execute(
            """insert into ops.submissions
                   (submission_id, district_code, unit_code, inbox_path, file_name, file_sha256, file_size, file_mtime_ns)
               values ('x', '430902', '430902102', 'x', 'x', 'x', 1, 1)"""
        )
    assert publish(office).issue_no == 1


def test_a_ledger_sent_again_explains_nothing(office):
    """A problem that is lost is missed, also when its ledger came again, as it does every day."""
    assert publish(office, date(2020, 6, 22)).issue_no == 1
    rows = [problem(f"甲-{number}") for number in range(5)]
    assert office.send(TOWNSHIP, "甲20200623.csv", problems_csv(*rows))["outcome"] == "accepted"
    with warehouse.connect(office.settings) as conn:
        # as a fault in the functions would: the newest version falls outside of what they look at
        conn.execute("update raw.problem_versions set district_code = '430511' where problem_no = '甲-3' and report_on = '2020-06-22'")
        conn.execute("update raw.problem_versions set report_on = '2020-06-29' where problem_no = '甲-3' and report_on = '2020-06-23'")
    with pytest.raises(Held, match="问题不减：.*甲-3"):
        publish(office)


def test_a_held_correction_that_is_not_called_for_any_more_is_held_no_more(office, monkeypatch):
    issue = publish(office)
    late = problem("甲-0", 整改时限="2020-06-10")
    assert office.send(TOWNSHIP, "迟20200623.csv", problems_csv(late))["outcome"] == "accepted"
    with monkeypatch.context() as broken:
        broken.setattr(checks, "CHECKS", failing("比率范围"))
        with pytest.raises(Held):
            publish(office, is_correction=True)
    with warehouse.connect(office.settings) as conn:  # as if the late file had never come
        conn.execute("delete from raw.problem_versions where report_on = '2020-06-23'")
        conn.execute("update ops.submissions set report_on = '2020-06-26' where file_name = '迟20200623.csv'")
    assert publish(office, is_correction=True) == issue
    assert [line["is_open"] for line in held(office)] == [False]


def test_a_held_day_does_not_hold_the_next(office, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(checks, "CHECKS", failing("比率范围"))
        with pytest.raises(Held):
            publish(office)
    assert publish(office, LAST_DAY).issue_no == 1 and publish(office).issue_no == 2


# ── which days ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_which_days_the_calendar_asks_for(office):
    """22 to 30 June 2020: 25 to 27 off, Sunday 28 worked, which ends its week."""
    days = [date(2020, 6, day) for day in range(22, 31)]
    with warehouse.connect(office.settings) as conn:
        due = {series.code: [day.day for day in days if publishing.is_due(conn, series, day)] for series in SERIES.values()}
        assert due == {"daily": [22, 23, 24, 28, 29, 30], "weekly": [28], "monthly": [30]}
        assert publishing.find_districts(conn, DAILY, DAY, DISTRICT) == [DISTRICT]
        for asked, why in (
            ((date(2020, 6, 25),), "2020-06-25 不是工作日"),
            ((date(2099, 1, 5),), "还没有到"),
            ((DAY, "999999"), "没有登记过代码为 999999 的区县"),
            ((DAY, "430511"), "还没有采用过它的任何数据"),
            ((date(2020, 3, 31), DISTRICT), "2020-03-31 不在它的任何一次行动期内"),
        ):
            with pytest.raises(Refused, match=why):
                publishing.find_districts(conn, DAILY, *asked)
        assert publishing.find_districts(conn, DAILY, date(2020, 3, 31)) == []  # no campaign


def test_only_a_district_that_somebody_set_up_publishes(office):
    """Data inside a campaign is enough for whoever names the district or registered it; `make issuer` is for all else."""

    def found(day: date = DAY) -> list[str]:
        with warehouse.connect(office.settings) as conn:
            return publishing.find_districts(conn, DAILY, day)

    with warehouse.connect(office.settings) as conn:
        [(code, set_up_by)] = conn.execute("select district_code, set_up_by from raw.districts where district_code = %s", [DISTRICT])
        assert set_up_by is None and found() == []
        assert publishing.find_districts(conn, DAILY, DAY, code) == [code]
        with pytest.raises(Refused, match="在行动期内没有它的数据"):
            publishing.find_districts(conn, DAILY, date(2020, 6, 19), code)
        conn.execute("update raw.districts set set_up_by = 'district'")  # as `make district` does
        assert found() == [code] and found(date(2020, 6, 19)) == []
        conn.execute("update raw.districts set set_up_by = null")
        assert issuers.set_issuer(conn, code, {}) and found() == []  # shown, not set
        issuers.set_issuer(conn, code, {"issuer_name": "资阳区扶贫办"})
        assert found() == found(date(2020, 6, 19)) == [code]


def test_periods():
    assert [series.period_start(date(2020, 6, 28)) for series in (DAILY, WEEKLY, MONTHLY)] == [
        date(2020, 6, 28),
        date(2020, 6, 22),
        date(2020, 6, 1),
    ]
    assert [series.period_end(date(2020, 2, 5)) for series in (DAILY, WEEKLY, MONTHLY)] == [
        date(2020, 2, 5),
        date(2020, 2, 9),
        date(2020, 2, 29),
    ]
    assert MONTHLY.period_end(date(2020, 12, 31)) == date(2020, 12, 31) == MONTHLY.period_end(date(2020, 12, 1))


def test_loads_go_on_while_documents_are_made(office, monkeypatch):
    """Only the reading holds up arrivals; what arrives meanwhile is not in the issue, and counts later."""
    real, sent = publishing.make_documents, []

    def slow(conn, issue):
        sent.append(office.send(TOWNSHIP, "间20200624.csv", problems_csv(problem("甲-9"))))
        real(conn, issue)

    monkeypatch.setattr(publishing, "make_documents", slow)
    issue = publish(office)
    assert sent[0]["outcome"] == "accepted" and sent[0]["received_at"] > issue.known_at
    rows = office.query("select 1 from published.problem_rows where publication_id = %s and problem_no = '甲-9'", [issue.publication_id])
    assert rows == []
    correction = publish(office, is_correction=True)
    assert correction.corrects_issue_no == 1
