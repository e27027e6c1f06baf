"""`make check`: the same verdict as a file sent, and nothing left of it."""

from __future__ import annotations

import pytest

from duban import warehouse
from duban.quality import judging, receipt
from local.commands.check import SHOWN, claim_of, lines
from tests.conftest import xlsx_bytes
from tests.integration.ledgers import OFFICE, PROBLEM_HEADER, TOWNSHIP, problem, problems_csv, problems_xlsx

FILES = {
    "好20200624.csv": problems_csv(problem("C-1")),
    "有错20200624.xlsx": problems_xlsx(problem("C-2"), problem("C-3", 发现日期="六月", 整改状态="快了")),
    "坏20200624.xlsx": b"PK\x03\x04 broken",
    "很多错20200624.csv": problems_csv(*(problem(f"K-{number}", 责任领导="") for number in range(SHOWN + 20))),
}


def checked(office, name: str, content: bytes, unit: str = TOWNSHIP) -> dict:
    """The receipt of a file that was not sent."""
    path = office.settings.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with warehouse.connect(office.settings) as conn:
        claim = claim_of(path, unit, warehouse.divisions.registered_units(conn))
        return receipt.build(judging.judge_unsent(conn, claim, path, office.settings), claim.claimed_at)


def rows_anywhere(office) -> dict[str, int]:
    """How many rows every table holds."""
    tables = office.query(
        """select table_schema || '.' || table_name as name from information_schema.tables
           where table_schema in ('raw', 'ops', 'quarantine', 'personal') and table_type = 'BASE TABLE'"""
    )
    return {table["name"]: office.query(f"select count(*) as n from {table['name']}")[0]["n"] for table in tables}


@pytest.mark.parametrize("name", list(FILES))
def test_a_check_says_what_sending_says_and_leaves_nothing(office, name):
    before = rows_anywhere(office)
    assert before["raw.units"] > 0
    said = checked(office, name, FILES[name])
    assert rows_anywhere(office) == before
    sent = office.send(TOWNSHIP, name, FILES[name])["receipt"]
    for differs in ("submission_id", "received_at", "file_sha256"):
        said.pop(differs), sent.pop(differs)
    assert said == sent


def test_a_check_compares_with_what_was_sent_before(office):
    office.send(TOWNSHIP, "一20200624.csv", problems_csv(problem("C-1")))
    other = checked(office, "二20200624.csv", problems_csv(problem("C-1")), "430902104")
    assert [entry["rule_id"] for entry in other["rejections"]] == ["P11"]
    assert checked(office, "三20200624.csv", problems_csv(problem("C-1")), OFFICE)["outcome"] == "accepted"


def test_the_printed_receipt_names_place_value_and_remedy(office):
    text = list(lines(checked(office, "有\x1b[31m错20200624.xlsx", FILES["有错20200624.xlsx"])))
    assert text[0].startswith(r"有\x1b[31m错20200624.xlsx  迎风桥镇")
    assert "行数：共 2 行：收下 1，退回 1，不计 0" in text
    [date, status] = [line for line in text if line.startswith("  R")]
    assert "问题台账 E3 发现日期“六月”" in date and "2020-06-24" in date
    assert "问题台账 J3 整改状态“快了”" in status and "整改到位" in status


def test_a_long_receipt_says_how_much_is_not_shown(office):
    text = list(lines(checked(office, "很多错20200624.csv", FILES["很多错20200624.csv"])))
    assert sum(line.startswith("  R01") for line in text) == SHOWN and "  另有 20 处没有列出" in text


def test_what_is_not_read_is_said_with_rows_and_columns(office):
    header = [*PROBLEM_HEADER, "", "联系电话"]
    rows = [["示例", *problem("")[1:]], [*problem("C-4"), "又一句", "无"], ["", "迎风桥镇"], ["", "", "", "", "", "", "另有一户漏雨"]]
    book = xlsx_bytes({"问题台账": [header, *rows], "草稿": [["别的"]]})
    text = list(lines(checked(office, "漏20200624.xlsx", book)))
    assert [line for line in text if line.startswith("  ")] == [
        "  提醒 W31：问题台账 的L列没有列名，没有读入；有1行填了内容",
        "  提醒 W32：问题台账 第2行是示例，没有读入",
        "  提醒 W32：问题台账 第4行只有模板预先填好的内容（乡镇），没有读入；要报的请补填",
        "  提醒 W32：问题台账 第5行（问题描述）没有编号，必填的各项也不全，按备注没有读入；要报的请补填",
        "  没有读的工作表：草稿",
    ]
    assert text[-1] == "接下来：可以报送；上面说没有读入的，请先看一看。"
    sent = office.send(TOWNSHIP, "漏20200624.xlsx", book)
    assert "没有读入" in sent["receipt"]["next_step"]
