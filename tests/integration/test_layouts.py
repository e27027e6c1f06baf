"""Two more real tables pass the gate through their layouts: 巴中市 2019, funds by county; 德化县 2020, township and village in one cell."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from duban import divisions, warehouse
from tests.conftest import Office, csv_bytes, open_office, xlsx_bytes
from tests.integration.ledgers import by_name, counts

FIXTURES = Path(__file__).parents[1] / "fixtures" / "layouts"
BAZHONG, DEHUA, LONGMENTAN = "511900000", "350526000", "350526103"
BAZHONG_NAME, DEHUA_NAME = "bazhong_2019_provincial_by_county.csv", "dehua_2020_demolition_fund.csv"
WRONG_FILL = "FFFFC7CE"


def table(name: str) -> list[list[str]]:
    with open(FIXTURES / name, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def changed(name: str, old: str, new: str) -> bytes:
    """The table with one cell changed."""
    rows = table(name)
    [(row, column)] = [(row, column) for row, cells in enumerate(rows) for column, text in enumerate(cells) if text == old]
    rows[row][column] = new
    return csv_bytes(rows)


def register(office: Office) -> None:
    """德化县 by its divisions; 巴中市 by hand: a prefecture has no townships of its own, and its counties must not pass for some."""
    with warehouse.connect(office.settings) as conn:
        with open(FIXTURES / "350526_two_townships.csv", encoding="utf-8", newline="") as file:
            divisions.register(conn, csv.DictReader(file), "德化县")
        conn.execute("insert into raw.districts (district_code, district_name) values ('511900', '巴中市')")
        conn.execute(
            "insert into raw.units (unit_code, district_code, unit_kind, unit_name) values (%s, '511900', 'office', '巴中市办公室')",
            [BAZHONG],
        )


@pytest.fixture
def registered(office) -> Office:
    register(office)
    return office


#: Files that no layout is for: the same tables with one thing changed, and whose folder they lie in.
REFUSED = {
    "one row more.csv": (BAZHONG, changed(BAZHONG_NAME, "2405", "2406")),
    "one row less.csv": (BAZHONG, changed(BAZHONG_NAME, "9208", "9207")),
    "last row.csv": (BAZHONG, changed(BAZHONG_NAME, "115", "1150")),
    "a row that is no number.csv": (BAZHONG, changed(BAZHONG_NAME, "9208", "约9208")),
    "another unit.csv": (BAZHONG, changed(BAZHONG_NAME, "分配资金（万元）", "分配资金（元）")),
    "another total.csv": (DEHUA, changed(DEHUA_NAME, "12", "13")),
    "another title.csv": (DEHUA, changed(DEHUA_NAME, "乡镇村", "村")),
    "another office.csv": (DEHUA, (FIXTURES / BAZHONG_NAME).read_bytes()),
    "yet another office.csv": (BAZHONG, (FIXTURES / DEHUA_NAME).read_bytes()),
    "a township of the sender.csv": (LONGMENTAN, (FIXTURES / DEHUA_NAME).read_bytes()),
}


@pytest.fixture(scope="module")
def taken(server, tmp_path_factory) -> Iterator[tuple[Office, dict[str, dict]]]:
    """Both tables as published, and those that are none of them, taken at once; to look at."""
    with open_office(server, tmp_path_factory.mktemp("layouts") / "home") as office:
        register(office)
        for name, (unit, content) in REFUSED.items():
            office.drop(unit, name, content)
        office.drop(BAZHONG, BAZHONG_NAME, (FIXTURES / BAZHONG_NAME).read_bytes())
        office.drop(DEHUA, DEHUA_NAME, (FIXTURES / DEHUA_NAME).read_bytes())
        office.ingest()
        yield office, by_name(office)


def movements(office: Office, submission_id: str) -> list[tuple]:
    """Key, township, villages, amount and remark of what was loaded, in the order of the table."""
    rows = office.query(
        """select movement_no, township_code, village_codes, amount_yuan, remark from raw.fund_movement_versions
           where submission_id = %s order by source_row""",
        [submission_id],
    )
    return [tuple(row.values()) for row in rows]


def constants(office: Office, submission_id: str) -> list[tuple]:
    """What is the same in every row."""
    rows = office.query(
        """select distinct fund_year, document_no, tier, stage, moved_on::text, report_on::text, project_no, fund_name
           from raw.fund_movement_versions where submission_id = %s""",
        [submission_id],
    )
    return [tuple(row.values()) for row in rows]


def test_bazhong_by_county(taken):
    office, submissions = taken
    sent = submissions[BAZHONG_NAME]
    assert counts(sent) == ("accepted", 6, 6, 0, 0)
    assert sent["receipt"]["read_as"]["layout"] == "bazhong_2019_provincial_by_county"
    rows = movements(office, sent["submission_id"])
    assert rows == [
        ("2019省级-巴州区", None, [], Decimal("24050000.00"), "巴州区"),
        ("2019省级-恩阳区", None, [], Decimal("19560000.00"), "恩阳区"),
        ("2019省级-南江县", None, [], Decimal("41500000.00"), "南江县"),
        ("2019省级-通江县", None, [], Decimal("85940000.00"), "通江县"),
        ("2019省级-平昌县", None, [], Decimal("92080000.00"), "平昌县"),
        ("2019省级-经开区", None, [], Decimal("1150000.00"), "经开区"),
    ]
    assert sum(row[3] for row in rows) == 26_428 * 10_000
    assert constants(office, sent["submission_id"]) == [
        (2019, "巴中市2019年省级资金分县（区）分配表", "省级", "分配", "2019-12-31", "2019-12-31", None, None)
    ]


def test_dehua_by_village(taken):
    office, submissions = taken
    sent = submissions[DEHUA_NAME]
    assert counts(sent) == ("accepted", 4, 3, 0, 1)
    assert sent["receipt"]["read_as"]["layout"] == "dehua_2020_demolition_fund"
    rows = movements(office, sent["submission_id"])
    assert rows == [
        ("2020拆除-龙门滩镇霞山村", "350526103", ["350526103211"], Decimal("40000.00"), None),
        ("2020拆除-龙门滩镇磻坑村", "350526103", ["350526103205"], Decimal("40000.00"), None),
        ("2020拆除-葛坑镇邱村村", "350526109", ["350526109205"], Decimal("40000.00"), None),
    ]
    assert sum(row[3] for row in rows) == 12 * 10_000
    assert constants(office, sent["submission_id"]) == [
        (2020, "德化县2020年拆除补助资金安排表", "其他", "分配", "2020-12-31", "2020-12-31", None, None)
    ]


def test_nothing_is_remarked_about_either(taken):
    office, _ = taken
    assert office.query("select rule_id, text from quarantine.findings") == []


@pytest.mark.parametrize("name", list(REFUSED))
def test_another_table_has_no_layout(taken, name):
    office, submissions = taken
    assert counts(submissions[name]) == ("rejected", 0, 0, 0, 0)
    assert office.rejections(submissions[name]["submission_id"]) == [(None, "S02", None, None)]


def test_dehua_with_another_amount_contradicts_its_total(registered):
    rows = table(DEHUA_NAME)
    rows[2][1] = "5"
    sent = registered.send(DEHUA, DEHUA_NAME, csv_bytes(rows))
    assert counts(sent) == ("accepted", 4, 3, 0, 1)
    [finding] = registered.query("select rule_id, text from quarantine.findings")
    assert (finding["rule_id"], finding["text"]) == ("W02", "资金台账 第5行“合计”的金额与明细不一致：表上 120000，明细合计 130000")


def test_another_date_in_the_file_name_contradicts_the_layout(registered):
    sent = registered.send(DEHUA, "德化县20200630.csv", (FIXTURES / DEHUA_NAME).read_bytes())
    assert registered.rejections(sent["submission_id"]) == [(None, "S07", None, None)]


def test_what_is_no_place_goes_back_and_never_to_a_village_like_it(registered):
    rows = [
        *table(DEHUA_NAME)[:1],
        ["龙门滩镇霞山村", "4"],
        ["龙门滩霞山村", "4"],  # no 镇: the cell does not have the form
        ["龙门滩镇", "4"],
        ["龙门滩镇霞山", "4"],
        ["龙门滩镇邱村村", "4"],  # a village of the other township
        ["霞山村", "4"],
        ["龙门滩镇碧坑村", "1,200"],
        ["合计", "12"],
    ]
    text = io.StringIO(newline="")
    text.writelines(f"{','.join(row)}\n" for row in rows)
    sent = registered.send(DEHUA, DEHUA_NAME, text.getvalue().encode())
    assert counts(sent) == ("accepted_with_rejections", 8, 1, 6, 1)
    assert registered.rejections(sent["submission_id"]) == [
        (3, "R04", "乡镇", "A3"),
        (4, "R05", "村(社区)", "A4"),
        (5, "R05", "村(社区)", "A5"),
        (6, "R05", "村(社区)", "A6"),
        (7, "R04", "乡镇", "A7"),
        (8, "R11", "流水号", "C8"),
    ]
    assert [row[:3] for row in movements(registered, sent["submission_id"])] == [
        ("2020拆除-龙门滩镇霞山村", "350526103", ["350526103211"]),
    ]


def test_the_slip_marks_the_senders_own_cells_and_comes_back(registered):
    rows = table(DEHUA_NAME)
    rows[2] = ["龙门滩磻坑村", "4万"]
    sent = registered.send(DEHUA, DEHUA_NAME, csv_bytes(rows))
    assert registered.rejections(sent["submission_id"]) == [(3, "R03", "金额", "B3"), (3, "R04", "乡镇", "A3")]
    [path] = registered.returned(DEHUA, sent["submission_id"]).glob("*.xlsx")
    slip = openpyxl.load_workbook(path)
    sheet = slip["资金台账"]
    assert [[cell.value for cell in row] for row in sheet["A1:C2"]] == [
        ["乡镇村", "补助资金（万元）", "退回原因"],
        ["龙门滩镇霞山村", "4", None],
    ]
    assert {cell.coordinate for row in sheet["A2:B5"] for cell in row if cell.fill.fgColor.rgb == WRONG_FILL} == {"A3", "B3"}
    assert {cell.coordinate for row in sheet["A1:C5"] for cell in row if cell.comment} == {"A3", "B3"}
    assert "不是有效的数字" in sheet["C3"].value and "乡镇" in sheet["C3"].value

    # Corrected, and moved below the total: the reason beside it still tells that it is the one.
    sheet["A3"], sheet["B3"] = "龙门滩镇磻坑村", 4
    sheet.move_range("A3:C3", rows=4)
    buffer = io.BytesIO()
    slip.save(buffer)
    again = registered.send(DEHUA, path.name, buffer.getvalue())
    assert again["corrects_id"] == sent["submission_id"]
    assert movements(registered, again["submission_id"]) == [
        ("2020拆除-龙门滩镇磻坑村", "350526103", ["350526103205"], Decimal("40000.00"), None)
    ]


def test_a_workbook_and_a_title_above_make_no_difference(registered):
    rows = [["德化县2020年补助资金"], *([text, int(amount) if amount.isdigit() else amount] for text, amount in table(DEHUA_NAME))]
    sent = registered.send(DEHUA, "德化县.xlsx", xlsx_bytes({"Sheet1": rows}))
    assert counts(sent) == ("accepted", 4, 3, 0, 1)
    assert sum(row[3] for row in movements(registered, sent["submission_id"])) == 120_000


# ── layouts of an installation ───────────────────────────────────────────────────────────────────────────────────────

MONTHLY = """
layout: monthly
sender: "350526103"
ledger: projects
match:
  header:
    - [编号, 名称, 投资, 投资, 类别, 地点]
    - ["", "", 总额, 中央, "", ""]
columns:
  编号: 项目编号
  名称: [项目名称, 建设内容]
  投资总额: 计划总投资
  投资中央: 中央资金
  类别: 项目类别
split:
  地点: {pattern: "(.+?[镇乡])(.+)", into: [乡镇, 村(社区)]}
unit: 万元
skip: ["^[一二三]、"]
valid_from: 2020-05-01
valid_to: 2020-06-30
"""
HEADER = [["编号", "名称", "投资", None, "类别", "地点"], [None, None, "总额", "中央", None, None]]


@pytest.fixture
def with_monthly(registered, tmp_path) -> Office:
    """An office of an installation that has the layout MONTHLY and no other."""
    project = registered.settings.project
    shutil.copytree(project / "expectations", tmp_path / "project" / "expectations")
    shutil.copytree(project / "dbt_project" / "seeds", tmp_path / "project" / "dbt_project" / "seeds")
    layouts = tmp_path / "project" / "expectations" / "layouts"
    for path in layouts.iterdir():
        path.unlink()
    (layouts / "monthly.yml").write_text(MONTHLY, encoding="utf-8")
    return Office(replace(registered.settings, project=tmp_path / "project"))


def monthly(*rows: list) -> bytes:
    def merge(workbook):
        for area in ("A1:A2", "B1:B2", "C1:D1", "E1:E2", "F1:F2"):
            workbook["Sheet1"].merge_cells(area)

    return xlsx_bytes({"Sheet1": [*HEADER, *rows]}, merge)


def test_a_table_that_comes_every_month(with_monthly):
    rows = [
        ["一、产业", None, None, None, None, None],
        ["X1", "蔬菜基地", 20, 12.5, "产业", "龙门滩镇霞山村"],
        ["X2", "机耕路", 30, None, "基础设施", "葛坑镇邱村村"],
        ["X3", "水渠", 5, 5, "基础设施", "龙门滩镇邱村村"],
        ["合计", None, 55, 17.5, None, None],
    ]
    sent = with_monthly.send(LONGMENTAN, "项目20200531.xlsx", monthly(*rows))
    assert (*counts(sent), str(sent["report_on"])) == ("accepted_with_rejections", 5, 1, 2, 2, "2020-05-31")
    assert with_monthly.rejections(sent["submission_id"]) == [(5, "R06", "乡镇", "F5"), (6, "R05", "村(社区)", "F6")]
    assert [
        tuple(row.values())
        for row in with_monthly.query(
            "select project_no, project_name, content, planned_yuan, central_yuan, township_code, village_codes from raw.project_versions"
        )
    ] == [("X1", "蔬菜基地", "蔬菜基地", Decimal("200000.00"), Decimal("125000.00"), "350526103", ["350526103211"])]


def test_outside_its_validity_the_layout_does_not_exist(with_monthly):
    row = ["蔬菜基地", 20, 12.5, "产业", "龙门滩镇霞山村"]
    # A file without a date counts as of its arrival, years after the layout.
    for number, name in enumerate(["项目20200430.xlsx", "项目20200501.xlsx", "项目20200630.xlsx", "项目20200701.xlsx", "项目.xlsx"]):
        with_monthly.drop(LONGMENTAN, name, monthly([f"X{number}", *row]))
    with_monthly.ingest()
    layouts = {name: (sent["outcome"], sent["receipt"]["read_as"]["layout"]) for name, sent in by_name(with_monthly).items()}
    assert layouts == {
        "项目20200430.xlsx": ("rejected", None),
        "项目20200501.xlsx": ("accepted", "monthly"),
        "项目20200630.xlsx": ("accepted", "monthly"),
        "项目20200701.xlsx": ("rejected", None),
        "项目.xlsx": ("rejected", None),
    }
    assert {row["rule_id"] for row in with_monthly.query("select rule_id from quarantine.rejected_rows")} == {"S02"}
