"""Findings that only the ledgers together show (W03 to W06, W09, W10, W30): what raises each, what does not, and what ends it.

One story for all rules, because a build costs seconds: two districts report on 24 June 2020, correct some of it the same day, and then
time passes. After each build the whole of `marts.fct_findings` is kept; what a rule said is compared completely, so that a case that must
not raise anything is as good a test as one that must.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from duban import warehouse
from duban.orchestration import dbt
from tests.conftest import Office, Server, csv_bytes, open_office
from tests.integration.ledgers import GROUP, OFFICE, OTHER, TOWNSHIP, by_name

ZIYANG, BEITA = OFFICE[:6], "430511"
BEITA_OFFICE, BEITA_TOWNSHIP, BEITA_GROUP = "430511000", "430511001", "430511-D1"
OTHER_GROUP = "430902-D2"
NAMES = {TOWNSHIP: "迎风桥镇", OTHER: "沙头镇", BEITA_TOWNSHIP: "新滩镇街道"}
TODAY = date(2020, 6, 24)

WAREHOUSE_RULES = {"W03", "W04", "W05", "W06", "W09", "W10", "W30"}

Key = tuple[str, str | None, str]  # district, township, what it is about


def ledger(*rows: dict[str, Any]) -> bytes:
    """Rows, each by its column titles, as a CSV; a title that a row does not name is blank in it."""
    titles = list(dict.fromkeys(title for row in rows for title in row))
    return csv_bytes([titles, *([row.get(title, "") for title in titles] for row in rows)])


def problem(number: str, due: str = "2020-12-31", **cells: Any) -> dict[str, Any]:
    """An open problem; titles change its cells."""
    return {
        "问题编号": number,
        "问题来源": "第一轮排查",
        "发现日期": "2020-06-04",
        "问题类别": "住房安全",
        "问题描述": "屋顶漏雨未修",
        "责任领导": "张三",
        "整改时限": due,
        "整改状态": "未整改",
        "整改措施": "",
        "印证资料": "",
        "完成日期": "",
        **cells,
    }


def rectified(number: str, due: str = "2020-12-31", evidence: str = "") -> dict[str, Any]:
    """A problem that was rectified, with evidence of its own unless told otherwise."""
    cells = {"整改状态": "整改到位", "整改措施": "已修", "印证资料": evidence or f"{number}的验收单", "完成日期": "2020-06-20"}
    return problem(number, due, **cells)


def money(number: str, tier: str, stage: str, wan: str, **cells: Any) -> dict[str, Any]:
    """A movement of 2020, in 万元."""
    project = {"拨付": "XM-1", "支出": "XM-1"}.get(stage, "")
    return {
        "流水号": number,
        "资金年度": "2020",
        "资金文号": "资财〔2020〕1号",
        "资金层级": tier,
        "环节": stage,
        "金额(万元)": wan,
        "发生日期": "2020-06-01",
        "项目编号": project,
        **cells,
    }


def project(number: str, wan: str = "1", **cells: Any) -> dict[str, Any]:
    """A project; titles like 中央资金(万元) name its funds by tier."""
    return {"项目编号": number, "项目名称": f"{number}号项目", "项目类别": "产业", "计划总投资(万元)": wan, **cells}


def visit(number: str, verdict: str = "新发现", township: str = TOWNSHIP, **cells: Any) -> dict[str, Any]:
    """A visit of 24 June."""
    return {
        "记录编号": number,
        "督导日期": "2020-06-24",
        "乡镇": NAMES[township],
        "核查结论": verdict,
        "督导人员": "李四",
        "问题编号": "",
        **cells,
    }


# ── what is sent: every file as of 24 June, the later ones after the first build ─────────────────────────────────────────────────────

FIRST = {
    # 24 June is the last working day before the Dragon Boat holiday (25 to 27); Sunday 28 is worked: 28, 29, 30 are the next three
    (TOWNSHIP, "problems"): ledger(
        problem("due-today", "2020-06-24"),
        problem("due-in-the-holiday", "2020-06-27"),
        problem("due-third", "2020-06-30"),
        problem("due-fourth", "2020-07-01"),
        problem("due-fifth", "2020-07-02"),
        problem("overdue", "2020-06-23"),
        problem("to-be-rectified", "2020-06-30"),
        problem("to-be-put-off", "2020-06-30"),
        problem("to-be-voided", "2020-06-30"),
        problem("in-progress", "2020-06-30", 整改状态="整改中", 整改措施="正在修"),
        rectified("done", "2020-06-30"),
        rectified("sent-back", "2020-06-30"),
        problem("in-both-districts", "2020-06-30"),
        # evidence
        rectified("e-1", evidence="照片三张"),
        rectified("e-2", evidence="照片三张"),
        rectified("e-3", evidence="照片四张"),
        rectified("f-1", evidence="验收表"),
        rectified("f-2", evidence="验收表"),
        rectified("g-1", evidence="会议记录"),
        rectified("g-2", evidence="会议记录"),
    ),
    (OTHER, "problems"): ledger(
        rectified("e-4", evidence="照片三张"), rectified("h-1", evidence="公示"), rectified("h-2", evidence="公示")
    ),
    (OFFICE, "problems"): ledger(
        problem("void", "2020-06-30", 乡镇=NAMES[TOWNSHIP], 整改状态="撤销", 撤销原因="误报"),
        problem("of-a-department", "2020-06-30", 行业部门="住建局"),
        problem("h-3", 乡镇=NAMES[OTHER], 整改状态="撤销", 撤销原因="误报", 印证资料="照片三张"),
    ),
    (BEITA_TOWNSHIP, "problems"): ledger(
        problem("in-both-districts", "2020-07-01"),
        problem("due-fourth", "2020-06-29"),
        # found in a campaign that is over: nothing of it is soon
        problem("of-the-winter", "2020-06-30", 发现日期="2020-03-10"),
        rectified("e-1", evidence="照片三张"),
        rectified("j-1", evidence="现场照片"),
        rectified("j-2", evidence="现场照片"),
    ),
    (GROUP, "visits"): ledger(
        visit("sent-back", "退回", 问题编号="sent-back"),
        visit("new-stays"),
        visit("new-to-be-listed"),
        visit("new-to-be-withdrawn"),
        visit("new-elsewhere", township=OTHER),
        visit("new-and-listed", 问题编号="e-1"),
        visit("nothing-new", "已巡查"),
        visit("new-withdrawn", 撤销原因="记错了"),
    ),
    (BEITA_GROUP, "visits"): ledger(visit("new-in-beita", township=BEITA_TOWNSHIP)),
    (OFFICE, "funds"): ledger(
        # all stages equal, after something was taken back: in order
        money("c-1", "中央", "下达", "100"),
        money("c-2", "中央", "收回", "10"),
        money("c-3", "中央", "分配", "90"),
        money("c-4", "中央", "拨付", "90"),
        money("c-5", "中央", "支出", "90"),
        # what was taken back is missing
        money("p-1", "省级", "下达", "100"),
        money("p-2", "省级", "收回", "10"),
        money("p-3", "省级", "分配", "90.01"),
        money("p-4", "省级", "拨付", "60.005"),
        # only together the townships pay out more than was allocated
        money("m-1", "市级", "下达", "10"),
        money("m-2", "市级", "分配", "10"),
        # the year before, hidden by this year's money if years were added up
        money("d-1", "区级", "下达", "50"),
        money("d-2", "区级", "分配", "50"),
        money("d-3", "区级", "拨付", "50"),
        money("d-4", "区级", "支出", "1", 资金年度="2019", 发生日期="2019-12-01"),
        # which project: one that is known, none, one that was withdrawn, one of the other district only
        money("o-1", "中央", "下达", "1", 项目编号="nobody's", 撤销原因="记错了"),
        money("o-2", "其他", "下达", "1", 项目编号="withdrawn"),
        money("o-3", "其他", "下达", "1", 项目编号="of-beita"),
        money("o-4", "其他", "下达", "1", 项目编号="nobody's", 乡镇=NAMES[OTHER]),
        money("o-5", "其他", "下达", "1"),
        # fifty times the median of five, and more
        money("o-6", "其他", "下达", "50"),
        money("o-7", "其他", "下达", "50.0001"),
    ),
    (TOWNSHIP, "funds"): ledger(
        money("m-1", "市级", "拨付", "5"),
        money("w-1", "市级", "支出", "1", 项目编号="to-be-reported"),
        money("w-2", "市级", "支出", "1", 项目编号="to-be-corrected"),
        money("w-3", "市级", "支出", "1", 项目编号="to-be-withdrawn"),
    ),
    (OTHER, "funds"): ledger(money("m-1", "市级", "拨付", "5.0001")),
    # so much that nothing would be out of order, and nothing agree, if districts were added up
    (BEITA_OFFICE, "funds"): ledger(
        *(money(tier, tier, "下达", "1000") for tier in ("中央", "省级", "市级", "区级")),
        money("2019", "区级", "下达", "1000", 资金年度="2019", 发生日期="2019-12-01"),
        money("a", "中央", "分配", "70"),
        money("b", "中央", "拨付", "70.5", 项目编号="of-beita"),
        # too few for a median: fifty times the other one, and more
        money("s-1", "中央", "支出", "0.5", 项目编号="of-beita"),
        money("s-2", "中央", "支出", "25.0001", 项目编号="of-beita"),
    ),
    (TOWNSHIP, "projects"): ledger(
        project("XM-1", "180", **{"中央资金(万元)": "60", "省级资金(万元)": "90", "市级资金(万元)": "10", "区级资金(万元)": "20"}),
        project("XM-2", "60", **{"中央资金(万元)": "30", "省级资金(万元)": "0", "市级资金(万元)": "", "区级资金(万元)": "30"}),
        project("huge", "18000.0001"),  # a hundred times the largest other one, and more
    ),
    (OFFICE, "projects"): ledger(project("withdrawn", "7", **{"中央资金(万元)": "7", "撤销原因": "重复", "乡镇": NAMES[TOWNSHIP]})),
    (BEITA_TOWNSHIP, "projects"): ledger(project("of-beita", "70", **{"中央资金(万元)": "70"})),
    # found while loading: a total that is wrong, an equal copy
    (OTHER, "projects"): csv_bytes(
        [
            ["项目编号", "项目名称", "项目类别", "计划总投资(万元)"],
            ["Y-1", "扶贫车间", "就业", "3"],
            ["Y-1", "扶贫车间", "就业", "3"],
            ["", "合计", "", "4"],
        ]
    ),
}
# has no report date: W01
UNDATED = (BEITA_GROUP, "undated.csv", ledger(visit("undated", "已巡查", BEITA_TOWNSHIP)))

CORRECTIONS = {
    (TOWNSHIP, "problems"): ledger(
        rectified("to-be-rectified", "2020-06-30"),
        problem("to-be-put-off", "2020-07-02"),
        rectified("e-2", evidence="照片三张"),  # as before: from now on two files say so
        rectified("f-2", evidence="验收表及照片"),
        problem("listed"),
    ),
    (OFFICE, "problems"): ledger(
        problem("to-be-voided", "2020-06-30", 乡镇=NAMES[TOWNSHIP], 整改状态="撤销", 撤销原因="误报"),
        problem("g-2", 乡镇=NAMES[TOWNSHIP], 整改状态="撤销", 撤销原因="误报", 印证资料="会议记录"),
        # to another township, where the same text is known already: it is the other one's from now on
        rectified("h-2", evidence="公示") | {"乡镇": NAMES[TOWNSHIP]},
    ),
    (GROUP, "visits"): ledger(visit("new-to-be-listed", 问题编号="listed"), visit("new-to-be-withdrawn", 撤销原因="记错了")),
    (OFFICE, "funds"): ledger(
        money("p-3", "省级", "分配", "90"),
        money("d-5", "区级", "拨付", "1", 资金年度="2019", 发生日期="2019-12-02"),
        money("d-6", "区级", "分配", "1", 资金年度="2019", 发生日期="2019-12-02"),
        money("d-7", "区级", "下达", "1", 资金年度="2019", 发生日期="2019-12-02"),
        money("o-7", "其他", "下达", "50"),
    ),
    (TOWNSHIP, "funds"): ledger(
        money("w-2", "市级", "支出", "1", 项目编号="XM-2"),
        money("w-3", "市级", "支出", "1", 项目编号="to-be-withdrawn", 撤销原因="记错了"),
    ),
    (OTHER, "funds"): ledger(money("m-1", "市级", "拨付", "5.0001", 撤销原因="记错了")),
    (BEITA_OFFICE, "funds"): ledger(money("s-2", "中央", "支出", "25", 项目编号="of-beita")),
    (TOWNSHIP, "projects"): ledger(
        project("to-be-reported"),
        project("huge", "18000"),
        project("XM-2", "40", **{"中央资金(万元)": "40", "省级资金(万元)": "0", "市级资金(万元)": "", "区级资金(万元)": "0"}),
    ),
}


@dataclass(frozen=True)
class Story:
    """What `marts.fct_findings` held after each build, and the files by the name they were sent with."""

    on_the_day: list[dict[str, Any]]
    corrected: list[dict[str, Any]]
    after_the_holiday: list[dict[str, Any]]
    last_day: list[dict[str, Any]]
    campaign_over: list[dict[str, Any]]
    made_anew: list[dict[str, Any]]
    as_of_the_day: list[dict[str, Any]]
    as_of_corrected: list[dict[str, Any]]
    submissions: dict[str, str]


def drop(office: Office, files: dict[tuple[str, str], bytes], wave: str) -> None:
    """Put files into the inbox, as of 24 June."""
    for (unit, kind), content in files.items():
        office.drop(unit, f"{wave} {unit} {kind} 20200624.csv", content)


def take_all(office: Office) -> None:
    """Take the inbox in; every row must be good, else a case would be silent for the wrong reason."""
    office.ingest()
    bad = office.query("select file_name, outcome, receipt from ops.submissions where outcome != 'accepted'")
    assert bad == []


def findings(office: Office) -> list[dict[str, Any]]:
    """All findings, as a reader sees them."""
    return office.query("select * from marts.fct_findings order by finding_no")


def as_an_issue_would_say(office: Office) -> list[dict[str, Any]]:
    """What is said about the funds of both districts now."""
    asked = "select * from unnest(%s::text[]) as district, marts.fund_findings_as_of(district, %s, now())"
    return office.query(asked, [[ZIYANG, BEITA], TODAY])


@pytest.fixture(scope="module")
def story(server: Server, installed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """24 June, corrections of that day, the first day after the holiday, the last of the campaign, one beyond; then all made anew."""
    with open_office(server, tmp_path_factory.mktemp("findings") / "home", installed) as office:
        with warehouse.connect(office.settings) as conn:
            conn.execute("insert into raw.campaigns values (%s, '冬季排查', '2020-01-01', '2020-03-31')", [BEITA])
        drop(office, FIRST, "first")
        office.drop(*UNDATED)
        take_all(office)
        told = []
        dbt.build(office.settings, "nightly", today=TODAY)
        told.append(findings(office))
        as_of = [as_an_issue_would_say(office)]
        drop(office, CORRECTIONS, "correction")
        take_all(office)
        for day in (TODAY, date(2020, 6, 28), date(2020, 6, 30), date(2020, 7, 1)):
            dbt.build(office.settings, "live", today=day)
            told.append(findings(office))
        as_of.append(as_an_issue_would_say(office))
        dbt.build(office.settings, "install", full_refresh=True, today=date(2020, 7, 1))
        told.append(findings(office))
        yield Story(*told, *as_of, {name: row["submission_id"] for name, row in by_name(office).items()})


def keys(told: list[dict[str, Any]], rule: str) -> list[Key]:
    """What a rule said, without its words; a list, so that nothing said twice is taken for once."""
    return sorted(((row["district_code"], row["township_code"], row["subject"]) for row in told if row["rule_id"] == rule), key=str)


def said(told: list[dict[str, Any]], rule: str, subject: str) -> dict[str, Any]:
    """The one finding of a rule about a subject."""
    [row] = [row for row in told if row["rule_id"] == rule and row["subject"] == subject]
    return row


def expected(*found: Key) -> list[Key]:
    """As `keys` gives them."""
    return sorted(found, key=str)


# ── what is found ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_w03_stages_out_of_order(story):
    """Each step of the order is asked per tier, fund year and district over all senders; equal amounts are in order."""
    beita = (BEITA, None, "2020年中央资金拨付")
    assert keys(story.on_the_day, "W03") == expected(
        (ZIYANG, None, "2020年省级资金分配"), (ZIYANG, None, "2020年市级资金拨付"), (ZIYANG, None, "2019年区级资金支出"), beita
    )
    # 90 were received: what was taken back does not count
    row = said(story.on_the_day, "W03", "2020年省级资金分配")
    assert "90.01 万元" in row["text"] and "90 万元" in row["text"] and row["submission_id"] is None
    assert "10.0001 万元" in said(story.on_the_day, "W03", "2020年市级资金拨付")["text"]
    # the allocation was put right; a payment was withdrawn; the missing steps of 2019 were sent
    assert keys(story.corrected, "W03") == [beita]


def test_w04_projects_against_allocations(story):
    """What projects name of a tier against what was allocated of it; a withdrawn project names nothing."""
    provincial = (ZIYANG, None, "2020年省级资金")
    assert keys(story.on_the_day, "W04") == [provincial]
    row = said(story.on_the_day, "W04", provincial[2])
    assert "90.01 万元" in row["text"] and "90 万元" in row["text"] and row["submission_id"] is None
    # the allocation was put right, and a project changed its funds: more of one tier than was allocated, less of another
    assert keys(story.corrected, "W04") == expected((ZIYANG, None, "2020年中央资金"), (ZIYANG, None, "2020年区级资金"))
    assert "100 万元" in said(story.corrected, "W04", "2020年中央资金")["text"]


def soon(day: list[dict[str, Any]], *numbers: str, beita: tuple[str, ...]) -> None:
    """These problems of the township, the department's, and those of the other district are due soon, and no others."""
    assert keys(day, "W05") == expected(
        *((ZIYANG, TOWNSHIP, number) for number in numbers),
        (ZIYANG, OFFICE, "of-a-department"),
        *((BEITA, BEITA_TOWNSHIP, number) for number in beita),
    )


def test_w05_due_within_three_working_days(story):
    """Working days of the Chinese calendar, from today; open problems only, of a campaign that runs."""
    always = ("due-third", "in-progress", "sent-back", "in-both-districts")
    soon(
        story.on_the_day,
        *always,
        *("due-today", "due-in-the-holiday", "to-be-rectified", "to-be-put-off", "to-be-voided"),
        beita=("due-fourth",),
    )
    soon(story.corrected, *always, "due-today", "due-in-the-holiday", beita=("due-fourth",))
    # nothing more arrives: only the days pass
    soon(story.after_the_holiday, *always, "due-fourth", beita=("due-fourth", "in-both-districts"))
    soon(story.last_day, *always, "due-fourth", "due-fifth", "to-be-put-off", beita=("in-both-districts",))
    assert keys(story.campaign_over, "W05") == []
    row = said(story.on_the_day, "W05", "due-third")
    assert (row["day_on"], row["submission_id"]) == (TODAY, story.submissions[f"first {TOWNSHIP} problems 20200624.csv"])
    assert "2020-06-30" in row["text"] and "3 个工作日" in row["text"]
    row = said(story.last_day, "W05", "to-be-put-off")
    assert (row["day_on"], row["submission_id"]) == (date(2020, 6, 30), story.submissions[f"correction {TOWNSHIP} problems 20200624.csv"])


def test_w06_one_evidence_for_several_problems(story):
    """The same text, of one township, for problems that are not void; two blank ones are no text."""
    stays = (ZIYANG, TOWNSHIP, "e-1 等"), (BEITA, BEITA_TOWNSHIP, "j-1 等")
    assert keys(story.on_the_day, "W06") == expected(
        *stays, (ZIYANG, TOWNSHIP, "f-1 等"), (ZIYANG, TOWNSHIP, "g-1 等"), (ZIYANG, OTHER, "h-1 等")
    )
    row = said(story.on_the_day, "W06", "e-1 等")
    assert "照片三张" in row["text"] and "e-1、e-2" in row["text"] and "e-3" not in row["text"] and "e-4" not in row["text"]
    # another evidence, one of the two void, one of the two handed to another township
    assert keys(story.corrected, "W06") == expected(*stays)
    assert said(story.corrected, "W06", "e-1 等")["submission_id"] is None


def test_w09_found_by_a_visit_and_not_yet_listed(story):
    """Until the record names a problem of the ledger, or is withdrawn."""
    stays = (ZIYANG, TOWNSHIP, "new-stays"), (ZIYANG, OTHER, "new-elsewhere"), (BEITA, BEITA_TOWNSHIP, "new-in-beita")
    assert keys(story.on_the_day, "W09") == expected(
        *stays, (ZIYANG, TOWNSHIP, "new-to-be-listed"), (ZIYANG, TOWNSHIP, "new-to-be-withdrawn")
    )
    assert keys(story.corrected, "W09") == expected(*stays)
    row = said(story.corrected, "W09", "new-stays")
    assert (row["day_on"], row["submission_id"]) == (TODAY, story.submissions[f"first {GROUP} visits 20200624.csv"])
    assert "new-stays" in row["text"]


def test_w10_movement_of_an_unknown_project(story):
    """A project that only the other district knows is unknown; one that was withdrawn is known."""
    stays = (ZIYANG, None, "o-3"), (ZIYANG, OTHER, "o-4")
    assert keys(story.on_the_day, "W10") == expected(*stays, *((ZIYANG, TOWNSHIP, f"w-{number}") for number in (1, 2, 3)))
    # the project was reported, the movement put right, the movement withdrawn
    assert keys(story.corrected, "W10") == expected(*stays)
    row = said(story.corrected, "W10", "o-4")
    assert row["submission_id"] == story.submissions[f"first {OFFICE} funds 20200624.csv"] and "nobody's" in row["text"]
    assert said(story.on_the_day, "W10", "w-1")["submission_id"] == story.submissions[f"first {TOWNSHIP} funds 20200624.csv"]


def test_w30_amounts_out_of_all_proportion(story):
    """More than fifty times the median of tier and stage or, where these are few, the largest other one; projects: a hundred."""
    # the only one of its tier, and the others of its stage are small
    stays = (ZIYANG, None, "c-5")
    assert keys(story.on_the_day, "W30") == expected(stays, (ZIYANG, None, "o-7"), (ZIYANG, TOWNSHIP, "huge"), (BEITA, None, "s-2"))
    assert keys(story.corrected, "W30") == [stays]
    row = said(story.on_the_day, "W30", "o-7")
    assert row["text"] == "资金流水 o-7：其他下达 50.0001 万元，是本区其他下达中位数 1 万元的 50 倍，请核对金额和单位（元、万元）"
    assert (row["day_on"], row["submission_id"]) == (date(2020, 6, 1), story.submissions[f"first {OFFICE} funds 20200624.csv"])
    row = said(story.on_the_day, "W30", "huge")
    assert "项目 huge：计划总投资 18000.0001 万元，是本区其他项目中最大的一笔 180 万元的 100 倍" in row["text"] and row["day_on"] == TODAY


def test_an_issue_would_find_the_same_about_funds(story):
    """`fund_findings_as_of`, which issues are frozen from, says what the marts say."""
    for told, as_of in ((story.on_the_day, story.as_of_the_day), (story.corrected, story.as_of_corrected)):
        funds = [row for row in told if row["rule_id"] in {"W03", "W04", "W30"}]
        both = ([(row["district_code"], row["rule_id"], row["subject"], row["text"]) for row in rows] for rows in (funds, as_of))
        assert sorted(next(both)) == sorted(next(both))


# ── over several builds ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_found_while_loading_stays_and_is_told_once(story):
    """It is said of a file, which no later file changes."""
    loaded = [row for row in story.on_the_day if row["rule_id"] not in WAREHOUSE_RULES]
    of_the_file = story.submissions[f"first {OTHER} projects 20200624.csv"]
    assert sorted((row["rule_id"], row["district_code"], row["township_code"], row["submission_id"]) for row in loaded) == [
        ("W01", BEITA, None, story.submissions["undated.csv"]),
        ("W02", ZIYANG, OTHER, of_the_file),
        ("W08", ZIYANG, OTHER, of_the_file),
    ]
    for told in (story.corrected, story.after_the_holiday, story.last_day, story.campaign_over, story.made_anew):
        assert [row for row in told if row["rule_id"] not in WAREHOUSE_RULES] == loaded


def test_days_alone_change_nothing_but_what_is_due(story):
    """And a full refresh finds what the builds before it had arrived at."""
    standing = [row for row in story.corrected if row["rule_id"] != "W05"]
    for told in (story.after_the_holiday, story.last_day, story.campaign_over):
        assert [row for row in told if row["rule_id"] != "W05"] == standing
    assert story.made_anew == story.campaign_over


def test_numbers_of_one_unit_and_of_the_district(installed_office):
    """Record numbers are unique within a group, movement numbers within a sender: equal ones are two findings, and stop no build.

    Numbers of problems and projects are the district's: one that two units use is told to both (W33), until the office hands it over.
    """
    office = installed_office
    drop(
        office,
        {
            (GROUP, "visits"): ledger(visit("1")),
            (OTHER_GROUP, "visits"): ledger(visit("1")),
            (OFFICE, "funds"): ledger(money("1", "省级", "下达", "2", 项目编号="nobody's", 乡镇=NAMES[TOWNSHIP])),
            (TOWNSHIP, "funds"): ledger(money("1", "省级", "拨付", "1", 项目编号="nobody's")),
            (TOWNSHIP, "problems"): ledger(problem("N-1"), problem("N-5")),
            (OFFICE, "problems"): ledger(problem("N-2", 行业部门="住建局")),
            (TOWNSHIP, "projects"): ledger(project("N-3")),
        },
        "first",
    )
    take_all(office)
    drop(office, {(OFFICE, "problems"): ledger(problem("N-5", 乡镇=NAMES[OTHER]))}, "handed over")
    take_all(office)
    clashing = {
        (OTHER, "problems"): ledger(problem("N-1"), problem("N-2"), problem("N-4"), problem("N-5")),
        (OTHER, "projects"): ledger(project("N-3")),
    }
    drop(office, clashing, "second")
    office.ingest()
    dbt.build(office.settings, "nightly", today=TODAY)
    told = findings(office)
    assert keys(told, "W09") == [(ZIYANG, TOWNSHIP, "1")] * 2
    assert keys(told, "W10") == [(ZIYANG, TOWNSHIP, "1")] * 2
    files = {row["submission_id"] for row in told if row["rule_id"] in {"W09", "W10"}}
    assert len(files) == 4 and None not in files

    both = [(OTHER, TOWNSHIP, "N-1"), (OTHER, OFFICE, "N-2"), (OTHER, TOWNSHIP, "N-3")]
    assert keys(told, "W33") == expected(*((ZIYANG, unit, number) for *units, number in both for unit in units))
    sent = by_name(office)[f"second {OTHER} problems 20200624.csv"]
    text = "问题编号 N-1 由迎风桥镇报送在先，沙头镇也用它报送，后报的一行已退回；请两个单位核对编号，属于移交的报区级办公室办理"
    assert {row["text"] for row in told if row["subject"] == "N-1"} == {text}
    assert [entry for entry in sent["receipt"]["findings"] if entry["subject"] == "N-1"] == [
        {"rule_id": "W33", "subject": "N-1", "text": text}
    ]
