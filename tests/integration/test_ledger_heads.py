"""What a head may say that no ledger of the office says: tried with the ledger of the tests (test_new_ledger.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from duban import install
from duban.settings import PROJECT
from tests.conftest import csv_bytes
from tests.integration.ledgers import GROUP, OFFICE, OTHER, PROBLEM_HEADER, TOWNSHIP, counts, problem
from tests.integration.test_new_ledger import FOLDER, TITLE, Installed, opened
from tests.ledgers import load

Make = Callable[..., Installed]
OWNED = """  - id: Q04
    column: post_no
    needs: [post_no, township]
    when: {sender_kind: [township], key_is_known: [true]}
    expect: {type: expect_column_pair_values_to_be_equal, column_A: township, column_B: owner_township}
    reason: 这个岗位编号属于别的单位
    fix: 请核对岗位编号
"""


@pytest.fixture
def make(server, tmp_path: Path) -> Iterator[Make]:
    """Installs the ledger with other lines in its head, and other texts in its columns."""
    with ExitStack() as stack:

        def made(*lines: str, rule: str = "", columns: Callable[[str], str] = str, changes: dict[str, str] | None = None) -> Installed:
            new = stack.enter_context(opened(server, tmp_path, PROJECT))
            folder = new.office.settings.project / "expectations" / "posts"
            head = (folder / "rules.yml").read_text(encoding="utf-8")
            more = "".join(f"{line}\n" for line in lines)
            for old, said in {"rules:\n": f"{more}rules:\n{rule}", **(changes or {})}.items():
                assert old in head
                head = head.replace(old, said)
            (folder / "rules.yml").write_text(head, encoding="utf-8")
            described = (folder / "columns.csv").read_text(encoding="utf-8")
            (folder / "columns.csv").write_text(columns(described), encoding="utf-8")
            (folder / "shown.yml").unlink()
            install.provide(new.office.settings)
            return new._replace(ledger=load(folder.parent, FOLDER / "tests" / "ledgers")[TITLE])

        yield made


def test_rows_about_single_households_lie_where_bi_does_not_look(make, server):
    new = make("grain: household")
    assert counts(new.send("岗位20200624.xlsx", new.post("G-1"), new.post("G-2", 出勤天数="32"))) == (
        "accepted_with_rejections",
        2,
        1,
        1,
        0,
    )
    uri = new.office.settings.warehouse_uri
    assert new.office.query("select to_regclass('raw.posts_versions') as there") == [{"there": None}]
    asked = "select post_no from households.posts_versions"
    with psycopg.connect(uri, user="personal_reader", password=server.secrets.personal_reader_password, autocommit=True) as reader:
        assert reader.execute(asked).fetchall() == [("G-1",)]
    for login in ("bi_reader", "publisher"):
        with psycopg.connect(new.office.settings.uri(login), autocommit=True) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(asked)


def test_columns_without_a_word_about_persons_are_those_of_nobody(make):
    def without_personal(text: str) -> str:
        lines = [line.rsplit(",", 1)[0] for line in text.splitlines() if not line.startswith("holder_name")]
        return "\n".join(lines) + "\n"

    new = make(columns=without_personal)
    header = ["岗位编号", "岗位名称", "上岗时间", "月工资(万元)"]
    sent = new.office.send(TOWNSHIP, "岗位20200624.csv", csv_bytes([header, ["G-1", "保洁员", "2020-06", "0.1"]]))
    assert counts(sent) == ("accepted", 1, 1, 0, 0)


def test_a_ledger_may_name_no_township_and_belong_to_none(make):
    new = make("township: named")
    blank = {"乡镇": "", "村(社区)": ""}
    assert new.send("岗位20200624.xlsx", new.post("G-1", OFFICE, **blank), new.post("G-2", OFFICE), unit=OFFICE)["outcome"] == "accepted"
    rows = new.office.query("select post_no, township_code from raw.posts_versions order by post_no")
    assert [tuple(row.values()) for row in rows] == [("G-1", None), ("G-2", TOWNSHIP)]


def test_a_key_belongs_to_its_township_where_a_rule_says_so(make):
    new = make("owner_rule: Q04", rule=OWNED)
    assert new.send("一20200624.xlsx", new.post("G-1"))["outcome"] == "accepted"
    sent = new.send("二20200624.xlsx", new.post("G-1", OTHER), unit=OTHER)
    assert {rule for _, rule, _, _ in new.office.rejections(sent["submission_id"])} == {"Q04"}
    told = new.office.query("select township_code from quarantine.findings where rule_id = 'W33' order by 1")
    assert [row["township_code"] for row in told] == [TOWNSHIP, OTHER]


def test_what_only_the_office_withdraws_stays_where_a_township_says_otherwise(make):
    new = make("withdraw_by: office")
    sent = new.send("一20200624.xlsx", new.post("G-1", 撤销原因="撤岗"))
    assert counts(sent) == ("accepted", 1, 1, 0, 0)
    [told] = new.office.query("select text from quarantine.findings where rule_id = 'W11'")
    assert "撤销原因" in told["text"] and "只有区级办公室可以撤销" in told["text"]


def test_a_file_without_a_ledger_and_one_from_elsewhere_are_told_of_it_too(make):
    """S02 names the ledgers that there are, S08 who sends this one."""
    new = make()
    unknown = new.office.send(TOWNSHIP, "空20200624.csv", csv_bytes([["甲", "乙"], ["1", "2"]]))
    foreign = new.send("岗位20200624.xlsx", new.post("G-1"), unit=GROUP)
    said = [sent["receipt"]["rejections"][0] for sent in (unknown, foreign)]
    assert [entry["rule_id"] for entry in said] == ["S02", "S08"]
    assert TITLE in said[0]["how_to_fix"] and TITLE in said[1]["how_to_fix"] and "乡镇" in said[1]["how_to_fix"]


def test_a_village_may_be_the_key_which_is_then_its_code(make):
    new = make(
        changes={"key: post_no": "key: village"},
        columns=lambda text: text.replace("post_no,岗位编号,key,yes", "post_no,岗位编号,text,").replace(
            "village,村(社区),village,,", "village,村(社区),village,yes,"
        ),
    )
    first, again, other = (new.post("", **{"村(社区)": village}) for village in ("迎风桥村", "迎风桥村委会", "黄花仑村"))
    assert new.send("一20200623.xlsx", first, other)["outcome"] == "accepted"
    assert new.send("二20200624.xlsx", {**again, "出勤天数": "3"})["outcome"] == "accepted"
    rows = new.office.query("select village_code, day_count from raw.posts_versions order by received_at, source_row")
    assert [row["day_count"] for row in rows] == [22, 22, 3] and rows[0]["village_code"] == rows[2]["village_code"]
    sent = new.send("三20200624.xlsx", first, {**again, "出勤天数": "4"})
    assert {rule for _, rule, _, _ in new.office.rejections(sent["submission_id"])} == {"R08"}


def test_a_reference_may_go_by_another_column_than_the_key(make):
    """Here by the batch that a problem came with; the key would not find it."""
    new = make(changes={"{column: problem_no, ledger: problems}": "{column: problem_no, ledger: problems, by: feedback_batch}"})
    header = [*PROBLEM_HEADER, "反馈批次"]
    sent = new.office.send(TOWNSHIP, "问题20200624.csv", csv_bytes([header, [*problem("甲-0"), "第 一批"]]))
    assert sent["outcome"] == "accepted"
    sent = new.send("岗位20200624.xlsx", new.post("G-1", 问题编号="第一批"), new.post("G-2", 问题编号="甲-0"))
    assert counts(sent) == ("accepted_with_rejections", 2, 1, 1, 0)
    assert [(row, rule) for row, rule, _, _ in new.office.rejections(sent["submission_id"])] == [(3, "Q03")]
