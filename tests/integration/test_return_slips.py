"""Return slips: the sender's own sheets with exactly the wrong cells marked, nothing that acts, and the corrected slip taken back."""

from __future__ import annotations

import io

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.worksheet.datavalidation import DataValidation

from duban.quality import return_slip, returns
from tests.bad_input.raw_files import MAIN, RELATIONS, book, rows_xml, shared_strings, sheet_xml
from tests.conftest import csv_bytes, xlsx_bytes
from tests.integration.ledgers import FUND_HEADER, PROBLEM_HEADER, TOWNSHIP, counts, movement, problem, problems_csv

WRONG_FILL = "FFFFC7CE"
ID_NUMBER = "430902196503121234"


def slip_of(office, row) -> openpyxl.Workbook:
    [path] = office.returned(TOWNSHIP, row["submission_id"]).glob("*.xlsx")
    return openpyxl.load_workbook(path)


def marked(sheet) -> set[str]:
    """Addresses of the coloured cells below the header; every one of them has a comment, and no other cell has."""
    coloured = {
        cell.coordinate for cells in sheet.iter_rows() for cell in cells if cell.fill.fgColor.rgb == WRONG_FILL and cell.value != "退回原因"
    }
    commented = {cell.coordinate for cells in sheet.iter_rows() for cell in cells if cell.comment}
    assert commented == coloured
    return coloured


def as_bytes(workbook: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def clerks_workbook() -> bytes:
    """A workbook as clerks keep it: title, formulas, a link, a comment, a validation, merged cells, texts that look like formulas."""
    header = [*PROBLEM_HEADER, "备注", "户主姓名", "证件号码"]
    rows = [
        ["迎风桥镇问题台账", *[None] * 13],
        header,
        [*problem("B-1"), "=1+1", "王小明", ID_NUMBER],
        [*problem("B-2", 发现日期="六月", 整改状态="快了"), "见附件", "王大明", ID_NUMBER],
        [*problem("B-3", 发现日期="2020-06-05", 整改时限="2020-06-01"), "联系 13812345678", "赵某", ID_NUMBER[:-1] + "9"],
        ["合计", *[None] * 13],
    ]

    def touch(workbook):
        sheet = workbook["问题台账"]
        sheet.merge_cells("A1:N1")
        sheet.column_dimensions["G"].width = 47
        sheet["G4"].font = Font(name="楷体", bold=True)
        sheet["L3"] = "=1+1"
        sheet["L3"].data_type = "s"
        sheet["K3"] = '=HYPERLINK("http://x.invalid","照片")'
        sheet["K4"].value, sheet["K4"].hyperlink = "维修屋顶", "http://x.invalid"
        sheet["G4"].comment = Comment("内部意见", "王")
        sheet.add_data_validation(DataValidation(type="list", formula1='"未整改,整改中"', sqref="J3:J5"))
        workbook.create_sheet("附表")["A1"] = "=SUM(B1:B9)"

    return xlsx_bytes({"问题台账": rows}, touch)


@pytest.fixture(scope="module")
def returned(shared_office):
    return shared_office.send(TOWNSHIP, "问题台账20200624.xlsx", clerks_workbook())


def test_the_explanation_comes_first(shared_office, returned):
    slip = slip_of(shared_office, returned)
    assert slip.sheetnames == ["退回说明", "问题台账", "附表"]
    texts = [[cell.value for cell in row] for row in slip["退回说明"].iter_rows()]
    facts = {row[0]: row[1] for row in texts if row[0]}
    assert facts["报送编号"] == returned["submission_id"]
    assert facts["填报日期"] == "2020-06-24"
    assert facts["文件"] == "问题台账20200624.xlsx"
    listed = [tuple(row[1:7]) for row in texts if row[0] and row[0].isdigit()]
    assert sorted(listed) == sorted(
        [
            ("问题台账", "3", "整改措施", "K3", "（未计算的公式）", "R09"),
            ("问题台账", "4", "发现日期", "E4", "六月", "R02"),
            ("问题台账", "4", "整改状态", "J4", "快了", "R04"),
            ("问题台账", "5", "整改时限", "I5", "2020-06-01", "P01"),
            ("问题台账", "5", "证件号码", "N5", "4309**********1239", "R07"),
        ]
    )


def test_exactly_the_wrong_cells_are_marked(shared_office, returned):
    slip = slip_of(shared_office, returned)
    assert marked(slip["问题台账"]) == {"K3", "E4", "J4", "I5", "N5"}
    assert marked(slip["附表"]) == set()
    reasons = {row: slip["问题台账"].cell(row, 15).value for row in range(2, 7)}
    assert reasons[2] == "退回原因" and reasons[6] is None
    assert "R02" in reasons[4] and "R04" in reasons[4] and "R09" in reasons[3]


def test_the_data_keep_the_senders_values_and_the_words_are_masked(shared_office, returned):
    slip = slip_of(shared_office, returned)
    assert [slip["问题台账"].cell(5, column).value for column in (12, 13, 14)] == ["联系 13812345678", "赵某", ID_NUMBER[:-1] + "9"]
    said = [str(cell.value) for row in slip["退回说明"].iter_rows() for cell in row]
    said += [cell.comment.text for row in slip["问题台账"].iter_rows() for cell in row if cell.comment]
    said.append(str(shared_office.receipt(TOWNSHIP, returned["submission_id"])))
    for secret in (ID_NUMBER, ID_NUMBER[:-1] + "9", "13812345678", "赵某", "内部意见"):
        assert not any(secret in text for text in said)


def test_the_senders_formatting_is_kept(shared_office, returned):
    sheet = slip_of(shared_office, returned)["问题台账"]
    assert [area.coord for area in sheet.merged_cells.ranges] == ["A1:N1"]
    assert (sheet.column_dimensions["G"].width, sheet["G4"].font.name, sheet["G4"].font.bold) == (47, "楷体", True)


def test_nothing_in_the_slip_acts(shared_office, returned):
    slip = slip_of(shared_office, returned)
    for sheet in slip:
        assert not sheet.data_validations.dataValidation
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" and cell.hyperlink is None, cell.coordinate
    assert slip["问题台账"]["L3"].value == "=1+1"


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_corrected_slip_is_taken(office, kind):
    rows = [problem("C-1"), problem("C-2", 发现日期="六月"), problem("C-3", 整改状态="快了"), problem("=C-4")]
    content = csv_bytes([PROBLEM_HEADER, *rows]) if kind == "csv" else xlsx_bytes({"问题台账": [PROBLEM_HEADER, *rows]}, text_stays_text)
    first = office.send(TOWNSHIP, f"问题台账20200622.{kind}", content)
    assert counts(first) == ("accepted_with_rejections", 4, 2, 2, 0)
    slip = slip_of(office, first)
    assert slip.sheetnames == ["退回说明", "问题台账"]
    sheet = slip["问题台账"]
    sheet["E3"], sheet["J4"] = "2020-06-05", "快好了"
    sheet["G2"] = "这一行没有退回，改了也不算"
    second = office.send(TOWNSHIP, "退回单改好20200629.xlsx", as_bytes(slip))
    assert (*counts(second), str(second["report_on"]), second["corrects_id"]) == (
        "accepted_with_rejections",
        4,
        1,
        1,
        2,
        "2020-06-22",
        first["submission_id"],
    )
    again = slip_of(office, second)
    assert again.sheetnames == ["退回说明", "问题台账"]
    again["问题台账"]["J4"] = "未整改"
    third = office.send(TOWNSHIP, "再改好.xlsx", as_bytes(again))
    assert (third["accepted_count"], third["rejected_count"], str(third["report_on"])) == (1, 0, "2020-06-22")
    stored = office.query("select problem_no, description from raw.problem_versions order by received_at, source_row")
    assert [row["problem_no"] for row in stored] == ["C-1", "=C-4", "C-2", "C-3"]
    assert {row["description"] for row in stored} == {"屋顶漏雨未修"}


def text_stays_text(workbook) -> None:
    workbook["问题台账"]["A5"].data_type = "s"


def sort_descending(sheet) -> None:
    """Sort rows and reasons by the key, the other way round."""
    rows = sorted(([cell.value for cell in row] for row in sheet.iter_rows(min_row=2)), key=lambda row: str(row[0]), reverse=True)
    for number, cells in enumerate(rows, start=2):
        for column, value in enumerate(cells, start=1):
            sheet.cell(number, column).value = value


def clear_reasons(sheet) -> None:
    for number in range(2, sheet.max_row + 1):
        sheet.cell(number, REASONS).value = None


def correct_by_key(sheet) -> None:
    """Put right what was wrong, wherever the rows stand: two cells, and two keys."""
    for row in sheet.iter_rows(min_row=2, max_col=REASONS):
        match str(row[0].value):
            case "D-2":
                row[4].value = "2020-06-05"
            case "D-4":
                row[9].value = "未整改"
            case "D-5" if row[6].value == "院墙倒塌未修":
                row[0].value = "D-6"
            case "None":
                row[0].value = "D-7"


def keep_the_wrong_rows(sheet) -> None:
    correct_by_key(sheet)
    clear_reasons(sheet)
    sheet.delete_rows(4)
    sheet.delete_rows(2)


def add_rows(sheet) -> None:
    correct_by_key(sheet)
    clear_reasons(sheet)
    for number, key in ((20, "D-8"), (21, "D-9")):
        for column, value in enumerate(problem(key), start=1):
            sheet.cell(number, column).value = value


def leave_a_row_out(sheet) -> None:
    correct_by_key(sheet)
    sheet.delete_rows(3)


def a_reason_beside_another_row(sheet) -> None:
    correct_by_key(sheet)
    sheet.cell(2, REASONS).value = sheet.cell(3, REASONS).value
    sheet.cell(2, 7).value = "这一行已经收下，改了也不算"


REASONS = len(PROBLEM_HEADER) + 1
BACK = ["D-2", "D-4", "D-5", "D-6", "D-7"]
ACCEPTED = "退回单 问题台账 第{}行以前已经收下，没有再读；收下的行要改，请另报一份台账"
OTHERS = "退回单 问题台账 第{}行不是退回的行，没有读入；新增的行请另报一份台账"
MISSING = "退回的 问题台账 第{}行不在这份退回单里，仍然没有收下"


@pytest.mark.parametrize(
    ("edits", "taken", "said"),
    [
        ([correct_by_key], BACK, [ACCEPTED.format("2、4")]),
        ([correct_by_key, clear_reasons], BACK, [ACCEPTED.format("2、4")]),
        ([keep_the_wrong_rows], BACK, []),
        ([correct_by_key, clear_reasons, sort_descending], BACK, [ACCEPTED.format("6、8")]),
        ([sort_descending, correct_by_key, clear_reasons], BACK, [ACCEPTED.format("6、8")]),
        ([add_rows], BACK, [ACCEPTED.format("2、4"), OTHERS.format("20—21")]),
        ([leave_a_row_out], BACK[1:], [ACCEPTED.format("2—3"), MISSING.format("3")]),
        ([a_reason_beside_another_row], BACK, [ACCEPTED.format("2、4")]),
        ([lambda sheet: setattr(sheet, "title", "台账（改）"), correct_by_key], BACK, ["退回单 台账（改） 第2、4行"]),
    ],
    ids=["as it was", "reasons cleared", "rows deleted", "sorted", "sorted first", "rows added", "row left out", "reason moved", "renamed"],
)
def test_rows_of_a_slip_are_known_by_their_keys(office, edits, taken, said):
    rows = [
        problem("D-1"),
        problem("D-2", 发现日期="六月"),
        problem("D-3"),
        problem("D-4", 整改状态="快了"),
        problem("D-5"),
        problem("D-5", 问题描述="院墙倒塌未修"),
        problem(""),
    ]
    first = office.send(TOWNSHIP, "问题台账20200622.xlsx", xlsx_bytes({"问题台账": [PROBLEM_HEADER, *rows]}))
    assert counts(first) == ("accepted_with_rejections", 7, 2, 5, 0)
    slip = slip_of(office, first)
    for edit in edits:
        edit(slip["问题台账"] if "问题台账" in slip.sheetnames else slip["台账（改）"])
    second = office.send(TOWNSHIP, "改好.xlsx", as_bytes(slip))
    stored = office.query("select problem_no from raw.problem_versions where submission_id = %s order by 1", [second["submission_id"]])
    assert [row["problem_no"] for row in stored] == taken and second["outcome"] == "accepted"
    assert second["corrects_id"] == first["submission_id"] and str(second["report_on"]) == "2020-06-22"
    found = office.query("select rule_id, text from quarantine.findings where submission_id = %s order by text", [second["submission_id"]])
    assert [row["rule_id"] for row in found] == ["W35"] * len(said)
    assert all(row["text"].startswith(text) for row, text in zip(found, sorted(said), strict=True)), found
    assert second["row_count"] == second["accepted_count"] + second["ignored_count"]


def test_a_slip_without_a_row_that_was_sent_back_says_so(office):
    first = office.send(TOWNSHIP, "问题台账20200622.csv", problems_csv(problem("E-1"), problem("E-2", 发现日期="六月")))
    slip = slip_of(office, first)
    slip["问题台账"].delete_rows(3)
    second = office.send(TOWNSHIP, "改好.xlsx", as_bytes(slip))
    assert (second["outcome"], second["receipt"]["rejections"][0]["rule_id"]) == ("rejected", "S09")
    assert "退回的行" in second["receipt"]["rejections"][0]["reason"]


def test_a_rejected_file_gets_an_explanation(office):
    office.drop(TOWNSHIP, "坏的20200624.xlsx", b"PK\x03\x04 broken")
    office.drop(TOWNSHIP, "缺列20200624.csv", problems_csv(problem("E-1")).replace("责任领导".encode(), "领导".encode()))
    office.ingest()
    for row in office.query("select * from ops.submissions order by file_name"):
        slip = slip_of(office, row)
        texts = [str(cell.value) for cells in slip["退回说明"].iter_rows() for cell in cells]
        assert slip.sheetnames[0] == "退回说明" and row["receipt"]["rejections"][0]["rule_id"] in texts


def test_a_whole_file_sent_back_is_corrected_on_its_slip(office):
    two = [problem("F-1", 乡镇="沙头镇"), problem("F-2", 乡镇="沙头镇")]
    first = office.send(TOWNSHIP, "错文件夹20200622.csv", problems_csv(*two))
    assert first["outcome"] == "rejected" and first["receipt"]["rejections"][0]["rule_id"] == "S06"
    slip = slip_of(office, first)
    slip["问题台账"]["B2"] = slip["问题台账"]["B3"] = "迎风桥镇"
    second = office.send(TOWNSHIP, "改好.xlsx", as_bytes(slip))
    assert (second["outcome"], second["accepted_count"], str(second["report_on"])) == ("accepted", 2, "2020-06-22")


EXTRA = [f"附栏{number}" for number in range(100)]


def very_large(kind: str, wrong: dict[int, dict[str, str]]) -> bytes:
    """A ledger of 2,400 rows with a hundred columns more; `wrong` are the cells to change, by number of the row in the sheet."""
    rows = [[*problem(f"L-{number}", **wrong.get(number, {})), *(["1"] * len(EXTRA))] for number in range(3, 2403)]
    table = [["迎风桥镇问题台账"], [*PROBLEM_HEADER, *EXTRA], *rows]
    return xlsx_bytes({"问题台账": table}) if kind == "xlsx" else csv_bytes(table)


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_the_slip_of_a_very_large_table_shows_the_rows_to_correct_in_their_place(office, kind):
    sent = office.send(TOWNSHIP, f"大20200624.{kind}", very_large(kind, {7: {"发现日期": "六月"}, 2000: {"整改状态": "快了"}}))
    assert counts(sent) == ("accepted_with_rejections", 2400, 2398, 2, 0)
    slip = slip_of(office, sent)
    sheet = slip["问题台账"]
    assert [row for row in range(1, sheet.max_row + 1) if sheet.cell(row, 1).value] == [1, 2, 7, 2000]
    assert marked(sheet) == {"E7", "J2000"} and sheet["DH7"].value and sheet["DH2"].value == "退回原因"
    sheet["E7"], sheet["J2000"] = "2020-06-05", "未整改"
    again = office.send(TOWNSHIP, "大-改.xlsx", as_bytes(slip))
    assert counts(again) == ("accepted", 2, 2, 0, 0) and str(again["report_on"]) == "2020-06-24"
    assert len(office.query("select * from raw.problem_versions")) == 2400


def test_a_table_too_large_to_send_back_is_corrected_in_its_own_file(office):
    wrong = {number: {"发现日期": "六月"} for number in range(3, 2403)}
    sent = office.send(TOWNSHIP, "大20200624.csv", very_large("csv", wrong))
    assert counts(sent) == ("rejected", 2400, 0, 2400, 0)
    slip = slip_of(office, sent)
    assert slip.sheetnames == ["退回说明"]
    assert any("没有附在退回单里" in str(cell.value) for row in slip["退回说明"].iter_rows() for cell in row)
    again = office.send(TOWNSHIP, "大20200624.csv", very_large("csv", {}))
    assert counts(again) == ("accepted", 2400, 2400, 0, 0)


STRICT = {MAIN: "http://purl.oclc.org/ooxml/spreadsheetml/main", RELATIONS: "http://purl.oclc.org/ooxml/officeDocument/relationships"}


def strict_workbook() -> bytes:
    """A Strict Open XML workbook with a row that is right and one without 责任领导."""
    parts = {
        "xl/worksheets/sheet1.xml": sheet_xml(rows_xml([PROBLEM_HEADER, problem("T-1"), problem("T-2", 责任领导="")])),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets><sheet name="问题台账" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ).encode(),
        "xl/sharedStrings.xml": shared_strings(),
    }
    for old, new in STRICT.items():
        parts = {name: content.replace(old.encode(), new.encode()) for name, content in parts.items()}
    return book({"问题台账": parts["xl/worksheets/sheet1.xml"]}, extra=parts)


def test_a_workbook_whose_formatting_cannot_be_carried_over_is_a_plain_table(office):
    sent = office.send(TOWNSHIP, "严20200624.xlsx", strict_workbook())
    slip = slip_of(office, sent)
    assert slip.sheetnames == ["退回说明", "问题台账"] and marked(slip["问题台账"]) == {"H3"}
    assert [cell.value for cell in slip["问题台账"][2]][:4] == ["T-1", None, None, "第一轮排查"]
    assert not any("没有附在退回单里" in str(cell.value) for row in slip["退回说明"].iter_rows() for cell in row)
    slip["问题台账"]["H3"] = "李四"
    assert counts(office.send(TOWNSHIP, "改.xlsx", as_bytes(slip))) == ("accepted", 2, 1, 0, 1)


def test_a_slip_without_a_table_says_truly_why(office, monkeypatch):
    """Formatting that fails leaves the cells; where they fail too, the slip does not call the table large."""
    content = xlsx_bytes({"问题台账": [PROBLEM_HEADER, problem("U-1", 责任领导="")]})
    receipt = office.send(TOWNSHIP, "简20200624.xlsx", content)["receipt"]
    expectations = returns_expectations(office)
    plain = openpyxl.load_workbook(io.BytesIO(return_slip.write_slip(content, receipt, expectations, keeps_format=False)))
    assert marked(plain["问题台账"]) == {"H2"}
    bare = openpyxl.load_workbook(io.BytesIO(return_slip.write_slip(b"", receipt, expectations)))
    said = [str(cell.value) for row in bare["退回说明"].iter_rows() for cell in row]
    assert bare.sheetnames == ["退回说明"] and any("没能照抄过来" in text for text in said) and not any("太大" in text for text in said)
    asked = []

    class Failing:
        """A sandbox whose children give up as long as they are to keep the formatting."""

        def map(self, jobs):
            asked.extend(job.arguments["keeps_format"] for job in jobs)
            return [{"content": b"slip"}]

    job = returns._job({"receipt": receipt, "file_sha256": receipt["file_sha256"]}, office.settings)
    assert returns._slip(Failing(), "x", job, returns.ChildFailed("S01", "x")) == b"slip" and asked == [False]


def returns_expectations(office):
    from duban.ledgers import load_expectations

    return load_expectations(office.settings)


def test_what_is_typed_into_a_slip_is_not_scaled_again(office):
    """The cell holds what was seen, without the format that misled."""

    def style(workbook):
        workbook["资金台账"]["D2"].number_format = "0!.0,"
        workbook["资金台账"]["A3"].number_format = '"V-"000'

    rows = [movement("V-1", 125_000), movement(2, 3), movement("V-3", 4)]
    sent = office.send(TOWNSHIP, "格式20200624.xlsx", xlsx_bytes({"资金台账": [FUND_HEADER, *rows]}, style))
    assert office.rejections(sent["submission_id"]) == [(2, "R03", "金额", "D2"), (3, "R10", "流水号", "A3")]
    slip = slip_of(office, sent)
    sheet = slip["资金台账"]
    assert [(sheet[cell].value, sheet[cell].number_format) for cell in ("D2", "A3")] == [("12.5", "General"), ("V-002", "@")]
    sheet["D2"] = 12.5
    corrected = office.send(TOWNSHIP, "改.xlsx", as_bytes(slip))
    assert (corrected["outcome"], corrected["accepted_count"]) == ("accepted", 2)
    found = office.query("select movement_no, amount_yuan from raw.fund_movement_versions order by movement_no")
    assert [(row["movement_no"], str(row["amount_yuan"])) for row in found] == [
        ("V-002", "30000.00"),
        ("V-1", "125000.00"),
        ("V-3", "40000.00"),
    ]


@pytest.mark.parametrize("surplus", ["", "多的"])
def test_a_torn_row_of_a_slip_goes_back_until_somebody_has_looked_at_it(office, surplus):
    header = [*FUND_HEADER, "备注"]
    torn = csv_bytes([header, ["T-1", "省级", "支出", "1", "234.50", "2020-06-04", "", surplus], [*movement("T-2"), ""]])
    sent = office.send(TOWNSHIP, "逗号20200624.csv", torn)
    assert office.rejections(sent["submission_id"]) == [(2, "R11", "流水号", "H2")]
    slip = slip_of(office, sent)
    unchanged = office.send(TOWNSHIP, "没改.xlsx", as_bytes(slip))
    assert office.rejections(unchanged["submission_id"]) == [(2, "R11", "流水号", "H2")]
    slip = slip_of(office, sent)
    for cell, value in {"D2": "1,234.50", "E2": "2020-06-04", "F2": "XM-1", "G2": None, "H2": None}.items():
        slip["资金台账"][cell] = value
    assert office.send(TOWNSHIP, "改.xlsx", as_bytes(slip))["outcome"] == "accepted"
    [row] = office.query("select amount_yuan from raw.fund_movement_versions where movement_no = 'T-1'")
    assert str(row["amount_yuan"]) == "12345000.00"
