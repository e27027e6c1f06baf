"""Every kind of bad input has the outcome that docs/bad_input.md promises; the list and the tests are compared."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from duban.intake import inbox
from tests.bad_input.cases import CASES, PROJECT_HEADER, VISIT_HEADER, as_csv, as_xls, as_xlsx, row
from tests.bad_input.raw_files import book, rows_xml, sheet_xml
from tests.conftest import csv_bytes, open_office
from tests.integration.ledgers import FUND_HEADER, GROUP, OFFICE, OTHER, PROBLEM_HEADER, TOWNSHIP, counts, movement, problem

LIST = Path(__file__).parents[2] / "docs" / "bad_input.md"
KEYS = {"problem": "problem_no", "fund_movement": "movement_no", "project": "project_no", "visit": "record_no"}
TABLES = {name: f"raw.{name}_versions" for name in KEYS}
#: Cases that are more than one file with one outcome, each a test of its own below or in the module named.
OTHER_TESTS = {49: "", 50: "", 51: "", 52: "", 53: "", 57: "", 59: "", 67: "tests/integration/test_crash.py", 68: "", 72: ""}


def test_the_list_and_the_tests_are_the_same():
    listed = [int(number) for number in re.findall(r"^\| (\d+) \|", LIST.read_text(encoding="utf-8"), re.MULTILINE)]
    tested = {case.number for case in CASES} | set(OTHER_TESTS)
    assert sorted(listed) == sorted(tested)
    own = Path(__file__).read_text(encoding="utf-8")
    assert [number for number, module in OTHER_TESTS.items() if not module and f"def test_case_{number}_" not in own] == []


@pytest.fixture(scope="module")
def taken(server, tmp_path_factory):
    """All files, sent in one drop."""
    with open_office(server, tmp_path_factory.mktemp("cases") / "home") as office:
        assert len({(case.unit, case.file_name) for case in CASES}) == len(CASES)
        for case in CASES:
            office.drop(case.unit, case.file_name, case.content)
        office.ingest()
        yield office


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number:02d}-{case.what}")
def test_case(taken, case):
    [sent] = taken.query("select * from ops.submissions where (unit_code, file_name) = (%s, %s)", [case.unit, case.file_name])
    rejected = taken.query(
        "select row_no, rule_id, cell from quarantine.rejected_rows where submission_id = %s order by row_no, rule_id",
        [sent["submission_id"]],
    )
    found = taken.query("select rule_id from quarantine.findings where submission_id = %s order by 1", [sent["submission_id"]])
    assert (sent["outcome"], [tuple(line.values()) for line in rejected]) == (
        case.outcome,
        sorted(case.rejects, key=lambda r: (r[0] or 0, r[1])),
    )
    assert [line["rule_id"] for line in found] == sorted(case.finds)
    assert sent["row_count"] == sent["accepted_count"] + sent["rejected_count"] + sent["ignored_count"]
    said = " ".join(entry["reason"] + entry["how_to_fix"] for entry in sent["receipt"]["rejections"])
    assert case.says in said
    for key, columns in case.loads.items():
        stored = taken.query(
            f"select * from {TABLES[case.table]} where submission_id = %s and {KEYS[case.table]} = %s", [sent["submission_id"], key]
        )
        assert len(stored) == 1, key
        for name, value in columns.items():
            assert same(stored[0][name], value), (key, name, stored[0][name])
    slips = list(taken.returned(case.unit, sent["submission_id"]).glob("*.xlsx"))
    assert len(slips) == (1 if rejected else 0)


def same(stored: object, value: object) -> bool:
    """A stored value is the one expected; numbers are compared with their decimals."""
    if value is None or stored is None:
        return stored is value
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", str(value)) and not isinstance(stored, str):
        return stored == type(stored)(str(value))
    return str(stored) == str(value)


def test_personal_values_are_read_exactly(taken):
    kept = {line["id_number"] for line in taken.query("select id_number from personal.households")}
    assert kept == {"430902196503121234", "11010519491231002X"}


def send(office, name: str, *rows, unit: str = TOWNSHIP) -> dict:
    """Send rows of 问题台账; returns the submission."""
    return office.send(unit, name, as_csv(*rows))


LEDGERS = {
    "问题台账": (TOWNSHIP, PROBLEM_HEADER, problem("甲"), problem("乙", 整改时限="六月底"), ("R02", "整改时限", "I3")),
    "资金台账": (TOWNSHIP, FUND_HEADER, movement("甲"), movement("乙", "约3"), ("R03", "金额", "D3")),
    "项目台账": (TOWNSHIP, PROJECT_HEADER, ["甲", "路", "基础设施", "9"], ["乙", "路", "道路", "9"], ("R04", "项目类别", "C3")),
    "督导记录": (
        GROUP,
        VISIT_HEADER,
        ["甲", "2020-06-23", "迎风桥镇", "已巡查", "李四"],
        ["乙", "2020-06-23", "", "已巡查", "李四"],
        ("R01", "乡镇", "C3"),
    ),
}


def written(kind: str, ledger: str, header: list[str], *rows: list[str]) -> bytes:
    """The rows as a file of the kind."""
    match kind:
        case "csv":
            return csv_bytes([header, *rows])
        case "xls" | "et":
            return as_xls(*rows, sheet=ledger, header=header)
        case "xlsm":
            return book({ledger: sheet_xml(rows_xml([header, *rows]))}, macros=True)
        case _:
            return as_xlsx(*rows, sheet=ledger, header=header)


def test_every_ledger_in_every_format(office):
    kinds = ("xlsx", "xlsm", "xls", "et", "csv")
    for (ledger, (unit, header, good, bad, _)), kind in itertools.product(LEDGERS.items(), kinds):
        rows = [[f"{kind}-{cells[0]}", *cells[1:]] for cells in (good, bad)]
        office.drop(unit, f"{ledger}20200624.{kind}", written(kind, ledger, header, *rows))
    office.ingest()
    for (ledger, (*_, expected)), kind in itertools.product(LEDGERS.items(), kinds):
        [sent] = office.query("select * from ops.submissions where file_name = %s", [f"{ledger}20200624.{kind}"])
        assert counts(sent) == ("accepted_with_rejections", 2, 1, 1, 0), (ledger, kind)
        assert office.rejections(sent["submission_id"]) == [(3, *expected)], (ledger, kind)


def test_case_49_the_same_key_twice(office):
    copies = send(office, "同20200624.csv", row("K-1"), row("K-1"), row("K-2"))
    assert counts(copies) == ("accepted", 3, 2, 0, 1)
    assert [finding["rule_id"] for finding in copies["receipt"]["findings"]] == ["W08"]
    differ = send(office, "异20200624.csv", row("K-3"), row("K-3", 备注="另一行"), row("K-4"))
    assert office.rejections(differ["submission_id"]) == [(2, "R08", "问题编号", "A2"), (3, "R08", "问题编号", "A3")]


def test_case_50_the_key_of_another_township(office):
    assert send(office, "甲20200624.csv", row("K-1"))["outcome"] == "accepted"
    later = send(office, "乙20200624.csv", row("K-1"), unit=OTHER)
    assert office.rejections(later["submission_id"]) == [(2, "P11", "问题编号", "A2")]


def test_case_51_the_same_bytes_again(office):
    first = send(office, "一20200624.csv", row("K-1"))
    again = send(office, "别的名字20200624.csv", row("K-1"))
    assert counts(again) == ("duplicate", 0, 0, 0, 0) and again["duplicate_of"] == first["submission_id"]
    assert len(office.query("select from raw.problem_versions")) == 1


def test_case_52_a_correction(office):
    send(office, "一20200624.csv", row("K-1"))
    send(office, "二20200624.csv", row("K-1", 备注="更正"))
    assert current(office) == {"K-1": "更正"}


def test_case_53_an_older_report_comes_later(office):
    send(office, "新20200624.csv", row("K-1", 备注="新"))
    send(office, "旧20200622.csv", row("K-1", 备注="旧"))
    assert current(office) == {"K-1": "新"}
    assert len(office.query("select from raw.problem_versions")) == 2


def test_case_59_a_row_that_is_left_out(office):
    send(office, "一20200622.csv", row("K-1"), row("K-2"))
    send(office, "二20200624.csv", row("K-1"))
    assert set(current(office)) == {"K-1", "K-2"}


def current(office) -> dict[str, str | None]:
    """Remark of each problem as it stands."""
    rows = office.query("select distinct on (problem_no) * from raw.problem_versions order by problem_no, report_on desc, received_at desc")
    return {line["problem_no"]: line["remark"] for line in rows}


def test_case_57_what_is_no_submission(office):
    names = ["~$台账.xlsx", "台账.xlsx.crdownload", "台账.tmp", ".DS_Store", "Thumbs.db", "台账.PART"]
    for name in names:
        office.drop(TOWNSHIP, name, as_csv(row("K-1")))
    office.ingest()
    assert office.query("select from ops.submissions") == []
    assert sorted(path.name for path in (office.settings.inbox / TOWNSHIP).iterdir()) == sorted(names)
    assert not (office.settings.outbox / "returns" / TOWNSHIP).exists()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\u202exslx.exe", "a\\u202exslx.exe"),
        ("两\n行.csv", "两\\n行.csv"),
        ("C:\\..\\etc\\passwd", "C:\\..\\etc\\passwd"),
        ("\x1b[31m红.csv", "\\x1b[31m红.csv"),
        ("长" * 80 + ".csv", "长" * 80 + ".csv"),
        ("$(reboot).csv", "$(reboot).csv"),
    ],
)
def test_case_68_names_that_play_tricks(office, name, shown):
    sent = office.send(TOWNSHIP, name, as_csv(row("K-1", 责任领导="")))
    assert sent["file_name"] == shown == sent["receipt"]["file_name"]
    written = [path for folder in (office.settings.outbox, office.settings.landing) for path in folder.rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert re.fullmatch(rf"(\.duban-warehouse|receipt\.json|退回单-{sent['submission_id']}\.xlsx|[0-9a-f]{{64}})", path.name)


def test_case_72_a_flood_delays_nobody_else(office, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH_FILES", 4)
    monkeypatch.setattr(inbox, "UNIT_FILES", 2)
    for number in range(6):
        office.drop(TOWNSHIP, f"{number:02d}20200624.csv", as_csv(row(f"K-{number}")))
    office.drop(OTHER, "一20200624.csv", as_csv(row("L-1")))
    office.drop(OFFICE, "一20200624.csv", as_csv(row("M-1")))
    office.ingest()
    units = [line["unit_code"] for line in office.query("select unit_code from ops.submissions order by received_at")]
    assert sorted(units[:4]) == sorted([OTHER, OFFICE, TOWNSHIP, TOWNSHIP]) and units[4:] == [TOWNSHIP] * 4
