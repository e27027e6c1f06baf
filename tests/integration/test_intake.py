"""Who sends what, as of which day, how often: report date, sender, duplicates, versions, order, and batches that change nothing."""

from __future__ import annotations

import itertools
import os
import random

import pytest

from duban import divisions, warehouse
from duban.intake import inbox
from tests.conftest import csv_bytes, open_office, xlsx_bytes
from tests.integration.ledgers import (
    FUND_HEADER,
    GROUP,
    OFFICE,
    OTHER,
    PROBLEM_HEADER,
    TOWNSHIP,
    by_name,
    counts,
    movement,
    problem,
    problems_csv,
    versions,
)

DATED = {
    "冒号后.csv": ([["填报日期：2020年6月24日"]], "2020-06-24"),
    "冒号后有空格.csv": ([["填报日期： 2020 年 6 月 23 日"]], "2020-06-23"),
    "右边的格.csv": ([["", "填报日期", "", "2020/6/22"]], "2020-06-22"),
    "文件名20200621.csv": ([], "2020-06-21"),
    "文件名2020-06-20报.csv": ([], "2020-06-20"),
    "文件名2020年6月19日.csv": ([], "2020-06-19"),
    "两处相同20200618.csv": ([["填报日期:20200618"]], "2020-06-18"),
    "一年多1202006181.csv": ([], "W01"),
    "没有日期.csv": ([], "W01"),
    "空的日期.csv": ([["填报日期："]], "W01"),
    "两处不同20200617.csv": ([["填报日期：2020-06-16"]], "S07"),
    "两个名字里的20200617和20200618.csv": ([], "S07"),
    "将来20991231.csv": ([], "S07"),
    "将来.csv": ([["填报日期：2099-12-31"]], "S07"),
    "看不懂.csv": ([["填报日期：六月下旬"]], "S07"),
}


@pytest.fixture(scope="module")
def dated(shared_office):
    for number, (name, (above, _)) in enumerate(DATED.items()):
        shared_office.drop(TOWNSHIP, name, problems_csv(problem(f"D-{number}", 发现日期="2020-05-04"), above=tuple(above)))
    shared_office.ingest()
    return by_name(shared_office)


@pytest.mark.parametrize("name", list(DATED))
def test_report_date(dated, shared_office, name):
    row, expected = dated[name], DATED[name][1]
    [today] = shared_office.query("select (now() at time zone 'Asia/Shanghai')::date as today")
    found = shared_office.query("select rule_id from quarantine.findings where submission_id = %s", [row["submission_id"]])
    rejected = [entry["rule_id"] for entry in row["receipt"]["rejections"]]
    if expected == "S07":
        assert (row["outcome"], rejected, found) == ("rejected", ["S07"], [])
    elif expected == "W01":
        assert (row["outcome"], row["report_on"], found) == ("accepted", today["today"], [{"rule_id": "W01"}])
    else:
        assert (row["outcome"], str(row["report_on"]), found) == ("accepted", expected, [])


def test_what_is_left_alone(office):
    body = problems_csv(problem("A-1"))
    for name in (".隐藏.csv", "~$台账.xlsx", "台账.tmp", "台账.PART", "台账.crdownload", "Thumbs.db"):
        office.drop(TOWNSHIP, name, body)
    office.drop("430902999", "台账20200624.csv", body)
    office.drop("..不是单位", "台账20200624.csv", body)
    (office.settings.inbox / "放错了的20200624.csv").write_bytes(body)
    (office.settings.inbox / TOWNSHIP / "子文件夹").mkdir()
    (office.settings.inbox / TOWNSHIP / "链接.csv").symlink_to("/etc/hostname")
    before = sorted(path.as_posix() for path in office.settings.inbox.rglob("*"))
    office.ingest()
    assert sorted(path.as_posix() for path in office.settings.inbox.rglob("*")) == before
    assert by_name(office) == {}


def test_sender_decides_which_ledger(office):
    visits = csv_bytes([["记录编号", "督导日期", "乡镇", "核查结论", "督导人员"], ["1", "2020-06-23", "迎风桥镇", "已巡查", "李四"]])
    funds = csv_bytes([FUND_HEADER, movement("1")])
    for unit, ledger, body in itertools.chain(
        (
            (unit, "问题", problems_csv(problem(f"S-{unit}", 乡镇="" if unit != GROUP else "迎风桥镇")))
            for unit in (TOWNSHIP, OFFICE, GROUP)
        ),
        ((unit, "资金", funds) for unit in (TOWNSHIP, OFFICE, GROUP)),
        ((unit, "督导", visits) for unit in (TOWNSHIP, OFFICE, GROUP)),
    ):
        office.drop(unit, f"{ledger}{unit}-20200624.csv", body)
    mixed = xlsx_bytes(
        {
            "问题台账": [PROBLEM_HEADER, problem("S-混")],
            "督导记录": [["记录编号", "督导日期", "核查结论", "督导人员"], ["1", "2020-06-23", "已巡查", "李"]],
        }
    )
    office.drop(TOWNSHIP, "混合20200624.xlsx", mixed)
    office.ingest()
    refused = office.query("select file_name, rule_id from quarantine.rejected_rows join ops.submissions using (submission_id)")
    assert {(row["file_name"], row["rule_id"]) for row in refused} == {
        (f"问题{GROUP}-20200624.csv", "S08"),
        (f"资金{GROUP}-20200624.csv", "S08"),
        (f"督导{TOWNSHIP}-20200624.csv", "S08"),
        (f"督导{OFFICE}-20200624.csv", "S08"),
        ("混合20200624.xlsx", "S08"),
    }
    assert (
        len(versions(office)) == 2 and len(versions(office, "fund_movement_versions")) == 2 and len(versions(office, "visit_versions")) == 1
    )


def test_duplicates(office):
    body, wrong = problems_csv(problem("U-1")), problems_csv(problem("U-2", 发现日期="六月"))
    partly = problems_csv(problem("U-3"), problem("U-4", 整改状态="快了"))
    for name, content in (("甲20200624.csv", body), ("错20200624.csv", wrong), ("半20200624.csv", partly)):
        office.drop(TOWNSHIP, name, content)
    office.ingest()
    for name, content in (
        ("另一个名字.csv", body),
        ("甲20200624 - 副本.csv", body),
        ("甲20200625.csv", body),
        ("错 - 副本20200624.csv", wrong),
        ("半 - 副本.csv", partly),
    ):
        office.drop(TOWNSHIP, name, content)
    office.drop(OTHER, "别的单位20200624.csv", problems_csv(problem("U-9")))
    office.drop(OTHER, "别的单位的同一份20200624.csv", body)
    office.ingest()
    found = by_name(office)
    assert {name: row["outcome"] for name, row in found.items()} == {
        "甲20200624.csv": "accepted",
        "错20200624.csv": "rejected",
        "半20200624.csv": "accepted_with_rejections",
        "另一个名字.csv": "duplicate",
        "甲20200624 - 副本.csv": "duplicate",
        "甲20200625.csv": "accepted",
        "错 - 副本20200624.csv": "rejected",
        "半 - 副本.csv": "duplicate",
        "别的单位20200624.csv": "accepted",
        "别的单位的同一份20200624.csv": "rejected",
    }
    first = found["甲20200624.csv"]["submission_id"]
    assert found["另一个名字.csv"]["duplicate_of"] == first
    assert counts(found["另一个名字.csv"]) == ("duplicate", 0, 0, 0, 0)
    assert not office.returned(TOWNSHIP, found["另一个名字.csv"]["submission_id"]).exists()
    assert office.rejections(found["别的单位的同一份20200624.csv"]["submission_id"]) == [(2, "P11", "问题编号", "A2")]


def test_current_version_is_by_report_date_then_arrival(office):
    states = (("0624", "整改中"), ("0622", "未整改"), ("0624", "未整改"), ("0623", "整改中"))
    files = [
        (TOWNSHIP, f"{number}-2020{day}.csv", problems_csv(problem("V-1", 整改状态=status, 整改措施="维修", 问题描述=f"第{number}次报送")))
        for number, (day, status) in enumerate(states)
    ]
    drop_in_order(office, files)
    office.ingest()
    rows = office.query("select received_at, description from raw.problem_versions order by report_on, received_at")
    assert [row["description"] for row in rows] == ["第1次报送", "第3次报送", "第0次报送", "第2次报送"]
    received = [row["received_at"] for row in office.query("select received_at from ops.submissions order by file_mtime_ns")]
    assert received == sorted(set(received))


def test_the_office_transfers_and_keeps(office):
    steps = [  # who sends which row, and the township the key then has, or the rule it breaks
        (TOWNSHIP, problem("T-1"), TOWNSHIP),
        (OFFICE, problem("T-1", 乡镇=""), TOWNSHIP),  # a blank township keeps the one the key has
        (OFFICE, problem("T-1", 乡镇="沙头镇"), OTHER),
        (TOWNSHIP, problem("T-1"), "P11"),
        (OTHER, problem("T-1"), OTHER),
        (OFFICE, problem("T-2", **{"村(社区)": "永明村委会"}), OTHER),  # the township of the only village of that name
        (OFFICE, problem("T-3"), OFFICE),
        (TOWNSHIP, problem("T-3"), "P11"),
        (TOWNSHIP, problem("7"), TOWNSHIP),
        (OTHER, problem("7.0"), "P11"),  # the same key, in the same batch
    ]
    files = [
        (unit, f"{number:02d}-20200624.csv", problems_csv(row, above=([f"第{number}份"],))) for number, (unit, row, _) in enumerate(steps)
    ]
    drop_in_order(office, files)
    office.ingest()
    came = office.query("select source_file as name, township_code as what from raw.problem_versions")
    came += office.query(
        "select file_name as name, rule_id as what from quarantine.rejected_rows join ops.submissions using (submission_id)"
    )
    assert [row["what"] for row in sorted(came, key=lambda row: row["name"])] == [expected for _, _, expected in steps]


def a_day() -> list[tuple[str, str, bytes]]:
    """Files of a day in their order, with keys that cross from sender to sender, copies, visits and broken files among them."""
    body = problems_csv(problem("M-1"), problem("M-2"), problem("M-3", 发现日期="六月"))
    visit_header = ["记录编号", "督导日期", "乡镇", "问题编号", "核查结论", "督导人员"]
    visits = csv_bytes(
        [visit_header, ["1", "2020-06-24", "迎风桥镇", "M-2", "退回", "李四"], ["2", "2020-06-24", "迎风桥镇", "M-9", "退回", "李四"]]
    )
    return [
        (TOWNSHIP, "甲20200624.csv", body),
        (OTHER, "乙20200624.csv", problems_csv(problem("M-1"), problem("N-1"))),
        (OFFICE, "丙20200624.csv", problems_csv(problem("M-1", 乡镇="沙头镇"))),
        (TOWNSHIP, "戊20200624.csv", problems_csv(problem("M-1"), problem("M-2", 问题描述="又漏雨了"))),
        (TOWNSHIP, "己-副本.csv", body),
        (TOWNSHIP, "辛20200624.csv", csv_bytes([FUND_HEADER, movement("1"), movement("1"), ["合计", "", "", "3"]])),
        (GROUP, "督导20200624.csv", visits),
        (OFFICE, "壬20200624.csv", problems_csv(problem("M-2", 整改状态="未整改", 整改措施="催办"))),
    ]


def state(office) -> dict:
    """Everything that may not depend on how files are grouped into batches."""
    without = "submission_id"
    return {
        "files": {name: (*counts(row), str(row["report_on"])) for name, row in by_name(office).items()},
        "rejections": office.query(
            """select file_name, sheet, row_no, column_name, cell, rule_id, value_masked from quarantine.rejected_rows
               join ops.submissions using (submission_id) order by 1, 2, 3, 4, 6"""
        ),
        "findings": office.query(
            "select file_name, rule_id, subject from quarantine.findings join ops.submissions using (submission_id) order by 1, 2, 3"
        ),
        **{
            table: sorted(map(str, versions(office, table, without)))
            for table in ("problem_versions", "fund_movement_versions", "visit_versions")
        },
        "owners": office.query(
            """select distinct on (problem_no) problem_no, township_code from raw.problem_versions
               order by 1, report_on desc, received_at desc"""
        ),
    }


def drop_in_order(office, files, start: int = 1_600_000_000) -> None:
    for number, (unit, name, content) in enumerate(files):
        path = office.drop(unit, name, content)
        os.utime(path, (start + number, start + number))


def test_one_batch_or_one_by_one(office, server, tmp_path):
    files = a_day()
    files = [file for file in files if file[0] != GROUP] + [file for file in files if file[0] == GROUP]
    drop_in_order(office, files)
    office.ingest()
    with open_office(server, tmp_path / "one_by_one") as other:
        for number, file in enumerate(files):
            drop_in_order(other, [file], 1_600_000_000 + number)
            other.ingest()
        assert state(other) == state(office)
    # M-1 went to the other township and came back to nobody else; the group's second visit names an unknown problem.
    rules = {(row["file_name"], row["row_no"], row["rule_id"]) for row in state(office)["rejections"]}
    assert rules == {
        ("甲20200624.csv", 4, "R02"),
        ("乙20200624.csv", 2, "P11"),
        ("戊20200624.csv", 2, "P11"),
        ("督导20200624.csv", 3, "V03"),
    }


def test_the_same_files_again_change_nothing(office):
    accepted = [(TOWNSHIP, "甲.csv", problems_csv(problem("O-1"), above=(["填报日期：2020-06-24"],)))]
    accepted += [(OTHER, "乙.csv", problems_csv(problem("O-2"), problem("O-3"), above=(["填报日期：2020-06-23"],)))]
    accepted += [
        (
            OFFICE,
            "丙.csv",
            problems_csv(problem("O-4", 乡镇="沙头镇"), problem("O-1", 整改状态="未开始"), above=(["填报日期：2020-06-24"],)),
        )
    ]
    drop_in_order(office, accepted)
    office.ingest()
    before = versions(office)
    again = [(unit, f"再来{number}{name}", content) for number, (unit, name, content) in enumerate(accepted)]
    random.Random(1).shuffle(again)
    drop_in_order(office, again)
    office.ingest()
    assert versions(office) == before
    assert [row["outcome"] for row in by_name(office).values()].count("duplicate") == len(again)


def test_a_namesake_in_another_district_is_no_other_unit(office):
    namesake = {
        "village_code": "430999102001",
        "village_name": "甲村",
        "township_code": "430999102",
        "township_name": "迎风桥镇",
    }
    with warehouse.connect(office.settings) as conn:
        divisions.register(conn, [namesake], "同名区")
    rows = [problem("Q-1", 乡镇="迎风桥镇"), problem("Q-2", 乡镇="迎风桥镇")]
    assert office.send(TOWNSHIP, "台账20200624.csv", problems_csv(*rows))["outcome"] == "accepted"


def test_a_file_still_being_written_is_left(office, monkeypatch):
    path = office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(problem("G-1")))
    look = inbox.look

    def grows_between_two_looks(*args):
        seen = look(*args)
        with open(path, "ab") as file:
            file.write(b",")
        return seen

    monkeypatch.setattr(inbox, "look", grows_between_two_looks)
    office.ingest()
    assert path.exists() and by_name(office) == {}
    monkeypatch.setattr(inbox, "look", look)
    office.ingest()
    assert not path.exists() and len(by_name(office)) == 1
