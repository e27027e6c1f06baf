"""Names of household heads are masked by what any row of the district says, whenever it comes."""

from __future__ import annotations

import itertools
import random
from datetime import date

import psycopg
import pytest

from duban import warehouse
from duban.ledgers import load_expectations
from duban.orchestration import dbt
from duban.quality import masking
from duban.text.names import openings
from tests.conftest import csv_bytes
from tests.integration.ledgers import FUND_HEADER, GROUP, OFFICE, OTHER, PROBLEM_HEADER, TOWNSHIP, movement, problem, problems_csv
from tests.integration.test_incremental_builds import marts

DAY = date(2020, 6, 26)
# who is named first, between and last; one who bears no common surname is known by the identity number beside the name
FIRST, BETWEEN, LAST, MOUNTAIN = "郝建业", "司马文", "邹跃进", "阿依古丽"
NAMES = (FIRST, BETWEEN, LAST, MOUNTAIN)
VISIT_HEADER = ["记录编号", "督导日期", "乡镇", "问题编号", "核查结论", "情况说明", "督导人员", "备注"]
PROJECT_HEADER = ["项目编号", "项目名称", "项目类别", "乡镇", "计划总投资(万元)", "建设内容", "责任单位", "存在问题"]


def households(*named: tuple[str, str, str]) -> bytes:
    """A township's ledger: key, 户主姓名, 证件号码."""
    header = [*PROBLEM_HEADER, "户主姓名", "证件号码"]
    return csv_bytes([header, *[[*problem(key), holder, number] for key, holder, number in named]])


def texts(mark: str, said: str) -> list[tuple[str, str, bytes]]:
    """A file of every ledger whose texts say something, and a row that goes back for it."""
    office = problems_csv(
        problem(f"{mark}-1", 乡镇="迎风桥镇", 问题描述=f"经核实{said}未享受低保", 整改措施=said),
        problem(f"{mark}-2", 乡镇="迎风桥镇", 问题描述=f"{said[0]} {said[1:]}反映饮水"),
        problem(f"{mark}-3", 乡镇="迎风桥镇", 问题类别=f"{said}的房屋"),
    )
    visits = [f"{mark}-1", "2020-06-20", "迎风桥镇", "", "已巡查", f"走访{said}，已修", "李卫国", f"问{said}"]
    projects = [f"{mark}-1", f"{said}产业帮扶", "产业", "迎风桥镇", "1.5", f"为{said}修路", f"{said}合作社", f"{said}未签字"]
    funds = [*movement(f"{mark}-1"), f"{said}危改补助", f"{said}文"]
    return [
        (OFFICE, f"{mark}问题20200624.csv", office),
        (GROUP, f"{mark}督导20200624.csv", csv_bytes([VISIT_HEADER, visits])),
        (OFFICE, f"{mark}项目20200624.csv", csv_bytes([PROJECT_HEADER, projects])),
        (OTHER, f"{mark}资金20200624.csv", csv_bytes([[*FUND_HEADER, "资金名称", "资金文号"], funds])),
    ]


def send_all(office, *files: tuple[str, str, bytes]) -> None:
    """Files that come together."""
    for file in files:
        office.drop(*file)
    office.ingest()


def places_of(office, name: str) -> list[str]:
    """Tables outside `personal` in which a name stands; receipts apart, which are their sender's own."""
    tables = office.query(
        """select format('%%I.%%I', table_schema, table_name) as name from information_schema.tables
           where table_schema not in ('personal', 'pg_catalog', 'information_schema')"""
    )
    sought = {"name": f"%{name}%"}
    return [
        table["name"]
        for table in tables
        if office.query(
            f"select from {table['name']} as t where replace((to_jsonb(t) - 'receipt')::text, ' ', '') like %(name)s limit 1", sought
        )
    ]


def test_a_name_is_masked_whenever_and_wherever_it_comes(installed_office):
    office = installed_office
    everybody = "、".join((FIRST, BETWEEN, LAST, MOUNTAIN))
    parts = {name: texts(f"K{number}", name) for number, name in enumerate((FIRST, BETWEEN, LAST, MOUNTAIN))}
    ledgers = {
        FIRST: households(("H-1", FIRST, "")),
        BETWEEN: households(("K1-1", f"户主{BETWEEN}等3人", "")),
        LAST: households(("K2-9", LAST, ""), ("坏", "", "1")),
        MOUNTAIN: households(("K3-9", MOUNTAIN, "430902196501015008")),
    }
    office.send(TOWNSHIP, "甲20200624.csv", ledgers[FIRST])
    send_all(office, *parts[FIRST], *parts[BETWEEN][:2], *texts("E", everybody))
    dbt.build(office.settings, "nightly", today=DAY)
    assert {"marts.fct_problem_versions", "marts.fct_problems", "marts.fct_projects", "marts.fct_fund_movements"} <= set(
        places_of(office, LAST)
    )
    assert places_of(office, FIRST) == []
    office.send(TOWNSHIP, "乙20200624.csv", ledgers[BETWEEN])
    assert not [place for place in places_of(office, BETWEEN) if place.startswith(("raw.", "quarantine."))]
    send_all(office, *parts[BETWEEN][2:], *parts[LAST], *parts[MOUNTAIN])
    dbt.build(office.settings, "live", today=DAY)
    office.send(TOWNSHIP, "丙20200624.csv", ledgers[LAST])
    office.send(TOWNSHIP, "丁20200624.csv", ledgers[MOUNTAIN])
    dbt.build(office.settings, "live", today=DAY)
    assert {name: places_of(office, name) for name in NAMES} == dict.fromkeys(NAMES, [])
    [row] = office.query("select description, measures from marts.fct_problems where problem_no = 'K2-1'")
    assert tuple(row.values()) == ("经核实邹**未享受低保", "邹**")
    grown = marts(office)
    dbt.build(office.settings, "install", full_refresh=True, today=DAY)
    assert marts(office) == grown


def test_what_is_killed_leaves_nothing_half_masked(office, monkeypatch):
    """The name and the stars are of one transaction; a file that is judged once more does the same."""
    for file in texts("K", LAST)[:1]:
        office.send(*file)
    office.drop(TOWNSHIP, "丙20200624.csv", households(("H-1", LAST, "")))

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(masking.warehouse.personal, "mask_again", kill)
        office.ingest()
    assert office.query("select * from personal.known_names") == [] and "raw.problem_versions" in places_of(office, LAST)
    office.ingest()
    assert places_of(office, LAST) == [] and office.query("select name from personal.known_names") == [{"name": LAST}]
    # what a row said is not changed by it: stars only, and no other version
    said = [row["description"] for row in office.query("select description from raw.problem_versions order by version_id")]
    assert said == ["经核实邹**未享受低保", "邹***反映饮水", "屋顶漏雨未修"]
    # 户主姓名 filled with a place: its own row loses it, the district does not
    office.send(TOWNSHIP, "地名20200624.csv", households(("H-2", "刘家湖", "")))
    assert office.query("select name from personal.known_names") == [{"name": LAST}]


def test_a_mask_makes_stars_and_nothing_else(office):
    office.send(OFFICE, "甲20200624.csv", problems_csv(problem("K-1", 乡镇="迎风桥镇", 问题描述="50%_王小明\\的房")))
    [row] = office.query("select version_id, received_at from raw.problem_versions")
    asked = (row["version_id"], row["received_at"])
    with warehouse.connect(office.settings, "loader") as conn:

        def mask(text: str, column: str = "description", place: str = "raw.problem_versions") -> int:
            return warehouse.personal.mask_again(conn, place, column, {asked[0]: text}, asked[1])

        assert [mask(text) for text in ("50%_王小花\\的房", "50%_王**\\的", "*", "", "50%%王小明\\的房", "50__王小明\\的房")] == [0] * 6
        assert mask("50%_王**\\的房") == 1
        for column, place in (("status", "raw.problem_versions"), ("leader_name", "raw.problem_versions"), ("receipt", "ops.submissions")):
            with pytest.raises(psycopg.errors.RaiseException):
                mask("****", column, place)
    [after] = office.query("select description, masked_at, status from raw.problem_versions")
    assert tuple(after.values()) == ("50%_王**\\的房", asked[1], "open")


def test_a_warehouse_of_before_is_masked_once(office):
    """As an older version left it: no name is known, and rows of all ledgers hold them."""
    send_all(office, *texts("K", LAST))
    office.send(TOWNSHIP, "丙20200624.csv", households(("H-1", LAST, "")))
    with warehouse.connect(office.settings) as conn:
        conn.execute("delete from personal.known_names")
        conn.execute("update raw.problem_versions set description = '经核实邹跃进未享受低保，马华安户漏雨', masked_at = null")
        conn.execute("update raw.project_versions set content = '邹跃进', masked_at = null")
        expectations = load_expectations(office.settings)
        masking.mask_history(conn, expectations)
        assert places_of(office, LAST) == places_of(office, "马华安") == []
        assert office.query("select name from personal.known_names") == [{"name": LAST}]
        masked = office.query("select version_id, description, masked_at from raw.problem_versions order by 1")
        assert {row["description"] for row in masked} == {"经核实邹**未享受低保，马**户漏雨"}
        masking.mask_history(conn, expectations)
        assert office.query("select version_id, description, masked_at from raw.problem_versions order by 1") == masked


def test_the_index_finds_what_is_looked_for(office):
    """Pairs of characters are those of `plain_text`, whatever stands between them."""
    between = [
        "",
        " ",
        "\u3000",
        "·",
        "．",
        "\u200b",
        "\u00ad",
        "\n",
        "\x1f",
        "_",
        "-",
        "\u2028",
        "\U000e0100",
        "\u180e",
        "⸱",
        "\u0387",
        "，",
        "a",
        "1",
    ]
    characters = "王小明⼤\uf9b4马𬇙"
    chosen = random.Random(7)
    with warehouse.connect(office.settings) as conn:
        for _ in range(200):
            text = "".join(itertools.chain.from_iterable((chosen.choice(characters), chosen.choice(between)) for _ in range(6)))
            [found] = conn.execute("select raw.pairs(%s)", (text,)).fetchone()
            assert openings([text]) <= set(found), text
