"""Bad input as it arrives, case by case: the file, and what must become of it. The numbers are those of docs/bad_input.md.

Every file is dropped by its own sender under its own name; keys carry the number of their case, so that files do not meet.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import openpyxl
import xlwt
from openpyxl.styles import PatternFill

from tests.bad_input.raw_files import MAIN, RELATIONS, book, rezipped, rows_xml, shared_strings, sheet_xml
from tests.conftest import csv_bytes, xlsx_bytes
from tests.integration.ledgers import FUND_HEADER, GROUP, OFFICE, OTHER, PROBLEM_HEADER, TOWNSHIP, movement, problem

HEADER = [*PROBLEM_HEADER, "户主姓名", "证件号码", "完成日期", "印证资料", "备注"]
PROJECT_HEADER = ["项目编号", "项目名称", "项目类别", "计划总投资(元)", "中央资金(元)", "形象进度(%)", "受益户数"]
VISIT_HEADER = ["记录编号", "督导日期", "乡镇", "核查结论", "督导人员"]
ID_NUMBER = "430902196503121234"


@dataclass(frozen=True)
class Case:
    """A file and its outcome. `rejects` are (row, rule, cell); `loads` the stored columns of a key in `table`."""

    number: int
    what: str
    content: bytes
    outcome: str = "accepted"
    rejects: Sequence[tuple[int | None, str, str | None]] = ()
    finds: Sequence[str] = ()
    loads: dict[str, dict[str, Any]] = field(default_factory=dict)
    table: str = "problem"
    says: str = ""
    extension: str = ".csv"
    unit: str = TOWNSHIP
    day: str = "20200624"

    @property
    def file_name(self) -> str:
        """The name it is sent under."""
        return f"第{self.number}例-{self.what}-{self.day}{self.extension}"


def row(key: str, **changes: Any) -> list[Any]:
    """A row of 问题台账 with all columns of `HEADER`; name a column to change its cell."""
    known = {name: value for name, value in changes.items() if name in PROBLEM_HEADER}
    more = {"户主姓名": "", "证件号码": "", "完成日期": "", "印证资料": "", "备注": ""} | {
        n: v for n, v in changes.items() if n not in known
    }
    return [*problem(key, **known), *more.values()]


def column(name: str) -> str:
    """Letter of a column of `HEADER`."""
    return chr(ord("A") + HEADER.index(name))


def as_csv(*rows: Sequence[Any], encoding: str = "utf-8", header: Sequence[str] = HEADER, above: Sequence[Sequence[Any]] = ()) -> bytes:
    """A CSV of 问题台账."""
    return csv_bytes([*above, header, *rows], encoding)


def as_xlsx(*rows: Sequence[Any], sheet: str = "问题台账", header: Sequence[str] = HEADER, touch: Callable | None = None) -> bytes:
    """A workbook of 问题台账."""
    return xlsx_bytes({sheet: [header, *rows]}, touch)


def as_xls(*rows: Sequence[Any], sheet: str = "问题台账", header: Sequence[str] = HEADER, touch: Callable | None = None) -> bytes:
    """The same in the old binary format."""
    workbook = xlwt.Workbook(encoding="utf-8")
    target = workbook.add_sheet(sheet)
    for r, cells in enumerate([header, *rows]):
        for c, value in enumerate(cells):
            if value != "":
                target.write(r, c, value)
    if touch:
        touch(workbook)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def encrypted(workbook: bytes) -> bytes:
    """The workbook with a password."""
    from msoffcrypto.format.ooxml import OOXMLFile

    buffer = io.BytesIO()
    OOXMLFile(io.BytesIO(workbook)).encrypt("geheim", buffer)
    return buffer.getvalue()


def touched(change: Callable[[Any], None], sheet: str = "问题台账") -> Callable[[openpyxl.Workbook], None]:
    """A change to one sheet, as `xlsx_bytes` takes it."""
    return lambda workbook: change(workbook[sheet])


def raw_book(*rows: Sequence[Any], **options: Any) -> bytes:
    """A workbook of 问题台账 from XML written by hand."""
    return book({"问题台账": sheet_xml(rows_xml([HEADER, *rows]))}, **options)


def encodings() -> Iterator[Case]:
    """1–18: encoding and shape of a CSV."""
    rare = {"leader_name": "𬇙䶮㛃茈"}
    text = as_csv(row("K2-1", 责任领导="𬇙䶮㛃茈")).decode()
    yield Case(1, "带BOM", b"\xef\xbb\xbf" + as_csv(row("K1-1")), loads={"K1-1": {"description": "屋顶漏雨未修"}})
    yield Case(2, "国标", text.encode("gb18030"), loads={"K2-1": rare})
    by_2000 = as_csv(row("K2-2", 责任领导="王甲"), encoding="gb18030").replace("甲".encode("gb18030"), b"\xfe\x59")
    yield Case(2, "国标旧码位", by_2000, loads={"K2-2": {"leader_name": "王\u9fb4"}})
    yield Case(3, "UTF16有BOM", "\ufeff".encode("utf-16-le") + text.replace("K2-1", "K3-1").encode("utf-16-le"), loads={"K3-1": rare})
    yield Case(3, "UTF16大端", "\ufeff".encode("utf-16-be") + text.replace("K2-1", "K3-2").encode("utf-16-be"), loads={"K3-2": rare})
    yield Case(3, "UTF16无BOM", text.replace("K2-1", "K3-3").encode("utf-16-le"), "rejected", [(None, "S01", None)], says="另存为 .xlsx")
    mixed = as_csv(row("K4-1")) + csv_bytes([row("K4-2")], "gb18030")
    yield Case(4, "两种编码", mixed, "rejected", [(None, "S01", None)], says="第 3 行附近")
    hidden = as_csv(row("K4-3"), row("K4-4", 备注="说明"), encoding="gb18030").replace("说明".encode("gb18030"), "王小明晓".encode())
    yield Case(4, "夹带UTF8", hidden, "rejected", [(None, "S01", None)], says="第 3 行附近")
    cut = as_csv(row("K4-5", 备注="完")).rstrip()[:-1]
    yield Case(4, "截断", cut, "rejected", [(None, "S01", None)], says="第 2 行附近")
    big5 = csv_bytes([["問題編號", "鄉鎮", "問題來源", "發現日期"], ["1", "迎風橋鎮", "日常", "2020-06-04"]], "big5")
    yield Case(5, "大五码", big5, "rejected", [(None, "S02", None)])
    yield Case(
        5, "别的表头", csv_bytes([["问题号", "所在地", "描述"], ["1", "某村", "漏雨"]]), "rejected", [(None, "S02", None)], says="问题号"
    )
    yield Case(6, "实为工作簿", as_xlsx(row("K6-1")), finds=["W12"], loads={"K6-1": {"status": "open"}})
    yield Case(6, "实为CSV", as_csv(row("K6-2")), finds=["W12"], loads={"K6-2": {"status": "open"}}, extension=".xlsx")
    yield Case(6, "实为旧工作簿", as_xls(row("K6-3")), finds=["W12"], loads={"K6-3": {"status": "open"}}, extension=".xlsx")
    web = f"<html><table><tr><td>{'</td><td>'.join(HEADER)}</td></tr></table></html>".encode()
    yield Case(6, "实为网页", web, "rejected", [(None, "S01", None)], says="网页", extension=".xls")
    for separator, name in ((";", "分号"), ("\t", "制表符"), ("，", "全角逗号")):
        key = f"K7-{name}"
        yield Case(7, name, as_csv(row(key)).decode().replace(",", separator).encode(), loads={key: {"description": "屋顶漏雨未修"}})
    yield Case(7, "竖线", as_csv(row("K7-9")).replace(b",", b"|"), "rejected", [(None, "S02", None)])
    broken = as_csv(row("K8-1"), row("K8-2"), row("K8-3")).decode().replace("K8-2,", 'K8-2,"', 1).encode()
    yield Case(8, "引号不成对", broken, "accepted_with_rejections", [(3, "R11", "A3")], loads={"K8-1": {}, "K8-3": {}})
    long = as_csv(row("K8-4", 备注="一"), [*row("K8-5", 备注="一"), "", "二"])
    yield Case(8, "多出一格", long, "accepted_with_rejections", [(3, "R11", "R3")], loads={"K8-4": {"remark": "一"}})
    pay = [*FUND_HEADER, "备注"]
    comma = [pay, [*movement("K8-8", "1,234.50")[:5], "", ""], [*movement("K8-9", "2.5"), ""]]
    unquoted = csv_bytes(comma).replace(b'"1,234.50"', b"1,234.50")
    yield Case(
        8,
        "逗号没有加引号",
        unquoted,
        "accepted_with_rejections",
        [(2, "R11", "H2")],
        loads={"K8-9": {"amount_yuan": "25000.00"}},
        table="fund_movement",
        says="格数比表头多",
    )
    torn_everywhere = csv_bytes([pay, *([*movement(f"K8-1{number}", "1,234")[:5], "", ""] for number in range(6))]).replace(b'"', b"")
    yield Case(8, "每行都多一个逗号", torn_everywhere, "rejected", [(number, "R11", f"H{number}") for number in range(2, 8)])
    tail = as_csv(*([*row(f"K8-2{number}"), "", ""] for number in range(6)))
    yield Case(8, "每行末尾有空格", tail, loads={f"K8-2{number}": {"description": "屋顶漏雨未修"} for number in range(6)})
    yield Case(8, "表头也有空格", as_csv([*row("K8-30"), ""], header=[*HEADER, ""]), loads={"K8-30": {"status": "open"}})
    yield Case(8, "少了几格", as_csv(row("K8-6")[:11]), loads={"K8-6": {"remark": None}})
    torn = as_csv(*(row(f"K8-7{number}") for number in range(3))).replace(b"K8-7", b'"K8-7')
    yield Case(8, "全是坏行", torn, "rejected", [(None, "S01", None)], says="引号")
    lines = as_csv(row("K9-1"), row("K9-2", 备注="两\n行"), row("K9-3")).split(b"\r\n")
    yield Case(
        9, "换行不一", lines[0] + b"\r" + lines[1] + b"\n" + b"\r\n".join(lines[2:]), loads={"K9-2": {"remark": "两\n行"}, "K9-3": {}}
    )
    yield Case(10, "只有表头", as_csv(), "rejected", [(None, "S09", None)])
    yield Case(11, "零字节", b"", "rejected", [(None, "S02", None)], says="空")
    yield Case(11, "只有空白", b" \r\n\r\n \t ", "rejected", [(None, "S02", None)], says="空")
    bells = as_csv(row("K12-1", 问题描述="屋顶\x07漏雨\x00未修"), row("K12\x07-2"), row("K12-3", 发现日期="2020-06\x07-04"))
    rejects = [(3, "R10", "A3"), (4, "R10", column("发现日期") + "4")]
    yield Case(12, "控制字符", bells, "accepted_with_rejections", rejects, loads={"K12-1": {"description": "屋顶漏雨未修"}})
    yield Case(
        13, "看不见的空白", as_csv(row("\u200bK13\u00a0-1\u3000\ufeff ", 整改状态=" 未 整改\u200b")), loads={"K13-1": {"status": "open"}}
    )
    wide = as_csv(row("Ｋ１４－１", 发现日期="２０２０－０６－０４", 问题描述="ＡＢＣ１２３（全角）"))
    yield Case(14, "全角", wide, loads={"K14-1": {"found_on": "2020-06-04", "description": "ＡＢＣ１２３（全角）"}})
    alike = [
        row("K15-1", 证件号码="4309021965O3121234"),
        row("К15-2"),  # the first letter is Cyrillic
        row("K15-3", 发现日期="2020-O6-04"),
        row("K15-4", 整改状态="未整攺"),
    ]
    rejects = [(2, "R07", column("证件号码") + "2"), (3, "R10", "A3"), (4, "R02", "E4"), (5, "R04", "J5")]
    yield Case(15, "形近字符", as_csv(*alike), "rejected", rejects, says="字母")
    yield Case(16, "生僻字", as_csv(row("K16-1", 责任领导="𬇙䶮㛃茈")), loads={"K16-1": rare})
    lost = as_csv(row("K16-2", 责任领导="王?明"), row("K16-3", 责任领导="王\ue000"), row("K16-4", 问题描述="屋顶\ufffd漏雨未修"))
    leader = column("责任领导")
    yield Case(16, "丢了的字", lost, "rejected", [(2, "R10", f"{leader}2"), (3, "R10", f"{leader}3"), (4, "R10", "G4")], says="生僻字")
    pictures = as_csv(row("K17-1", 问题描述="屋顶漏雨😀未修"), row("K17-2", 责任领导="王😀"))
    yield Case(
        17, "表情", pictures, "accepted_with_rejections", [(3, "R10", f"{leader}3")], loads={"K17-1": {"description": "屋顶漏雨😀未修"}}
    )
    long_texts = as_csv(row("K18-1", 问题描述="长" * 4000), row("K18-2", 问题描述="长" * 4001), row("K18-3", 责任领导="长" * 65))
    rejects = [(3, "R10", "G3"), (4, "R10", f"{leader}4")]
    yield Case(18, "过长", long_texts, "accepted_with_rejections", rejects, loads={"K18-1": {"description": "长" * 4000}})


def layouts() -> Iterator[Case]:
    """19–31: where things stand."""
    above = [["迎风桥镇问题台账"], ["填报单位：迎风桥镇", "", "单位：户"], []]
    yield Case(19, "标题行", as_csv(row("K19-1"), above=above), loads={"K19-1": {}})
    upper = [*PROJECT_HEADER[:4], "计划", "计划", "实际", "实际"]
    lower = ["", "", "", "", "开工日期", "完工日期", "开工日期", "完工日期"]
    works = ["K20-1", "机耕路", "基础设施", "10", "2020-04-01", "2020-08-01", "2020-04-02", ""]

    def merge(sheet: Any) -> None:
        for area in ("A1:A2", "B1:B2", "C1:C2", "D1:D2", "E1:F1", "G1:H1"):
            sheet.merge_cells(area)

    two = xlsx_bytes({"项目台账": [upper, lower, works]}, touched(merge, "项目台账"))
    dates = {"planned_start_on": "2020-04-01", "planned_finish_on": "2020-08-01", "actual_start_on": "2020-04-02", "actual_finish_on": None}
    yield Case(20, "两行表头", two, loads={"K20-1": dates}, table="project", extension=".xlsx")
    turned = [list(reversed(cells)) for cells in ([*HEADER, "附注"], [*row("K21-1"), "多的一列"])]
    turned[0] = ["发现时间" if name == "发现日期" else "整改情况" if name == "整改状态" else name for name in turned[0]]
    yield Case(21, "换序别名多列", csv_bytes(turned), finds=["W31"], loads={"K21-1": {"found_on": "2020-06-04", "status": "open"}})
    without = [name for name in PROBLEM_HEADER if name != "责任领导"]
    yield Case(21, "缺列", csv_bytes([without, problem("K21-2")[:10]]), "rejected", [(None, "S03", None)], says="责任领导")
    yield Case(21, "重列", csv_bytes([[*HEADER, "发现时间"], [*row("K21-3"), ""]]), "rejected", [(None, "S04", "Q1")])
    merged = [row("K22-1", 乡镇="沙头镇"), row("K22-2"), row("K22-3", 乡镇="长春镇"), row("K22-4")]
    down = as_xlsx(*merged, touch=touched(lambda sheet: (sheet.merge_cells("B2:B3"), sheet.merge_cells("B4:B5"))))
    yield Case(
        22,
        "合并的乡镇",
        down,
        loads={"K22-2": {"township_code": OTHER}, "K22-4": {"township_code": "430902106"}},
        unit=OFFICE,
        extension=".xlsx",
    )
    funds = [FUND_HEADER, movement("K23-1", "1.5"), movement("K23-2", "2.5"), ["小 计", "", "", "4"], ["全镇合计", "", "", "5"]]
    yield Case(23, "合计不符", csv_bytes(funds), finds=["W02"], table="fund_movement", loads={"K23-1": {"amount_yuan": "15000.00"}})
    yield Case(24, "签名", as_csv(row("K24-1"), ["制表人：王某", "", "审核：李某"], ["说明：以上属实"]), loads={"K24-1": {}})
    yield Case(25, "空行", as_csv(row("K25-1"), [], [], row("K25-2")), loads={"K25-1": {}, "K25-2": {}})
    second = as_csv(row("K25-3"), [], list(reversed(HEADER)), list(reversed(row("K25-4"))))
    yield Case(25, "第二张表", second, "rejected", [(None, "S04", "A4")], says="第4行")

    def hide(sheet: Any) -> None:
        sheet.row_dimensions[3].hidden = True

    yield Case(
        26, "隐藏行", as_xlsx(row("K26-1"), row("K26-2"), touch=touched(hide)), finds=["W07"], loads={"K26-2": {}}, extension=".xlsx"
    )

    def hide_sheet(name: str, state: str = "hidden") -> Callable[[openpyxl.Workbook], None]:
        return lambda workbook: setattr(workbook[name], "sheet_state", state)

    two_sheets = {"问题台账": [HEADER, row("K27-1")], "旧表": [HEADER, row("K27-2")]}
    yield Case(
        27, "隐藏表", xlsx_bytes(two_sheets, hide_sheet("旧表", "veryHidden")), finds=["W07"], loads={"K27-1": {}}, extension=".xlsx"
    )
    only_hidden = xlsx_bytes({"Sheet1": [], "问题台账": [HEADER, row("K27-3")]}, hide_sheet("问题台账"))
    yield Case(27, "只有隐藏表", only_hidden, "rejected", [(None, "S02", None)], says="取消隐藏“问题台账”", extension=".xlsx")
    months = {"六月": [HEADER, row("K28-1")], "五月": [HEADER, row("K28-2")], "封面": [["迎风桥镇"]]}
    yield Case(28, "几张表", xlsx_bytes(months), loads={"K28-1": {}, "K28-2": {}}, extension=".xlsx")

    def paint_last(sheet: Any) -> None:
        sheet.cell(5_000, 3).fill = PatternFill("solid", start_color="FFFF00")

    yield Case(29, "格式到底", as_xlsx(row("K29-1"), touch=touched(paint_last)), loads={"K29-1": {}}, extension=".xlsx")
    absurd = book({"问题台账": sheet_xml(rows_xml([HEADER, row("K30-2")]), before=b'<dimension ref="A1:IV5000"/>')})
    yield Case(30, "离谱的范围", absurd, loads={"K30-2": {}}, extension=".xlsx")
    full = as_xls(row("K31-1"), touch=lambda workbook: workbook.get_sheet(0).write(65_535, 0, "K31-2"))
    yield Case(31, "到了最后一行", full, "rejected", [(None, "S10", "A65536")], says="65536", extension=".xls")


def typed_values() -> Iterator[Case]:
    """32–48: types and values."""
    found, due = column("发现日期"), column("整改时限")
    forms = ["2020.6.16", "2020/6/16", "2020-6-16", "20200616", "2020年6月16日", "二〇二〇年六月十六日", "2020-06-16 08:30"]
    dates = as_csv(*(row(f"K32-{number}", 发现日期=form) for number, form in enumerate(forms)))
    yield Case(32, "日期写法", dates, loads={f"K32-{number}": {"found_on": "2020-06-16"} for number in range(len(forms))})
    serial = raw_book(row("K32-1904", 发现日期=42536), extra={"xl/workbook.xml": _workbook_xml(b'<workbookPr date1904="1"/>')})
    yield Case(32, "1904", serial, loads={"K32-1904": {"found_on": "2020-06-16"}}, extension=".xlsx")
    yield Case(32, "序号", as_xls(row("K32-序", 发现日期=43998)), loads={"K32-序": {"found_on": "2020-06-16"}}, extension=".xls")
    yield Case(33, "没有年份", as_csv(row("K33-1", 发现日期="6月16日")), loads={"K33-1": {"found_on": "2020-06-16"}})
    bare = as_csv(row("K33-2", 发现日期="16日"), row("K33-3", 整改时限="六月底"))
    yield Case(33, "只有日", bare, "rejected", [(2, "R02", f"{found}2"), (3, "R02", f"{due}3")])
    new_year = as_csv(row("K33-4", 整改时限="6月16日"))
    yield Case(33, "一月不定年", new_year, "rejected", [(2, "P06", f"{found}2"), (2, "R02", f"{due}2")], day="20200110")
    month = as_xlsx(row("K34-1", 发现日期=2020.6), row("K34-2", 发现日期=2020.1))
    yield Case(
        34, "月份成了数", month, "rejected", [(2, "R02", f"{found}2"), (3, "R02", f"{found}3")], says="分不清月和日", extension=".xlsx"
    )
    wrong = ["2020年2月30日", "1900-01-00", "2013-12-31", "2026-01-01"]
    rows = [row(f"K35-{number}", 整改时限=text) for number, text in enumerate(wrong)] + [row("K35-9", 发现日期="2020-06-25")]
    rejects = [*((number, "R02", f"{due}{number}") for number in range(2, 6)), (6, "P06", f"{found}6")]
    yield Case(35, "没有的日期", as_csv(*rows), "rejected", rejects)
    zoned = as_csv(row("K36-1", 发现日期="2020-06-04T08:00:00+08:00"), row("K36-2", 发现日期="2020-06-04T20:00:00Z"))
    yield Case(36, "时区", zoned, "accepted_with_rejections", [(3, "R02", f"{found}3")], loads={"K36-1": {"found_on": "2020-06-04"}})
    numbers = [430902196503121234, "430902650312123", "43090219650312123X", "'430902 19650312 1234"]
    identity = as_xlsx(
        *(row(f"K37-{number}", 证件号码=text) for number, text in enumerate(numbers)), row("K37-8", 证件号码="11010519491231002x")
    )
    cell = column("证件号码")
    rejects = [(2, "R07", f"{cell}2"), (3, "R07", f"{cell}3"), (4, "R07", f"{cell}4")]
    yield Case(
        37, "证件号码", identity, "accepted_with_rejections", rejects, loads={"K37-3": {}, "K37-8": {}}, says="数字格式", extension=".xlsx"
    )
    zeros = as_xlsx(row("038"), row(38), row("K38-3", 证件号码=ID_NUMBER[1:]))
    yield Case(38, "前面的零", zeros, "accepted_with_rejections", [(4, "R07", f"{cell}4")], loads={"038": {}, "38": {}}, extension=".xlsx")
    forms = {"1,234.50": "1234.50", "￥5": "5.00", "¥6": "6.00", "7元": "7.00", "（500）": "-500.00", "——": None, "无": None}
    sums = [PROJECT_HEADER] + [[f"K39-{number}", "路", "基础设施", "9000", form, "", ""] for number, form in enumerate(forms)]
    stored = {f"K39-{number}": {"central_yuan": value} for number, value in enumerate(forms.values())}
    yield Case(39, "金额写法", csv_bytes(sums), loads=stored, table="project")
    vague = ["1.2万", "约300", "300左右", "500+200", "100-200", "1.234", "三百", "0x10"]
    sums = [PROJECT_HEADER] + [[f"K39-8{number}", "路", "基础设施", form, "", "", ""] for number, form in enumerate(vague)]
    yield Case(
        39,
        "金额不定",
        csv_bytes(sums),
        "rejected",
        [(number + 2, "R03", f"D{number + 2}") for number in range(len(vague))],
        says="确定的数",
    )
    in_ten_thousand = [["单位：万元"], ["金额" if name == "金额(万元)" else name for name in FUND_HEADER], movement("K40-1", "1.5")]
    yield Case(40, "单位行", csv_bytes(in_ten_thousand), loads={"K40-1": {"amount_yuan": "15000.00"}}, table="fund_movement")
    header_wins = [["单位：万元"], ["金额(元)" if name == "金额(万元)" else name for name in FUND_HEADER], movement("K40-2", "1.5")]
    yield Case(40, "表头为准", csv_bytes(header_wins), loads={"K40-2": {"amount_yuan": "1.50"}}, table="fund_movement")
    no_unit = csv_bytes([["金额" if name == "金额(万元)" else name for name in FUND_HEADER], movement("K40-3")])
    yield Case(40, "没有单位", no_unit, "rejected", [(None, "S05", "D1")])

    def percent(sheet: Any) -> None:
        sheet["F4"].number_format = "0%"

    rates = [["45%"], [45], [0.45], ["0.45"], [0.45], [145]]
    works = [PROJECT_HEADER] + [[f"K41-{number}", "路", "基础设施", 9000, "", rate, ""] for number, [rate] in enumerate(rates)]
    stored = {f"K41-{number}": {"progress_pct": "45"} for number in range(3)}
    rejects = [(5, "R03", "F5"), (6, "R03", "F6"), (7, "J03", "F7")]
    book41 = xlsx_bytes({"项目台账": works}, touched(percent, "项目台账"))
    yield Case(41, "百分数", book41, "accepted_with_rejections", rejects, loads=stored, table="project", extension=".xlsx")
    formula = as_xlsx(row("K42-1", 问题描述='="屋顶"&"漏雨未修"'))
    yield Case(42, "没算的公式", formula, "rejected", [(2, "R09", "G2")], says="重新计算", extension=".xlsx")
    old_formula = as_xls(row("K42-2", 备注=xlwt.Formula('"屋顶"&"漏雨"')))
    yield Case(42, "没算的旧公式", old_formula, "rejected", [(2, "R09", "P2")], extension=".xls")
    errors = ["#REF!", "#N/A", "#VALUE!", "#DIV/0!"]
    cells = [rf' t="e"><f>1/0</f><v>{error}</v>'.encode() for error in errors]
    wrong = raw_book(*(row(f"K43-{number}", 备注=cell) for number, cell in enumerate(cells)))
    yield Case(43, "公式错误", wrong, "rejected", [(number + 2, "R09", f"P{number + 2}") for number in range(4)], extension=".xlsx")
    linked = raw_book(
        row("K44-1", 备注=b' t="str"><f>[1]Sheet1!A1</f><v>\xe6\x97\xa7\xe5\x80\xbc</v>'),
        extra={"xl/externalLinks/externalLink1.xml": f'<externalLink xmlns="{MAIN}"><externalBook/></externalLink>'.encode()},
    )
    yield Case(44, "引用别的文件", linked, finds=["W13"], loads={"K44-1": {"remark": "旧值"}}, extension=".xlsx")
    words = as_xlsx(row("K45-1", 整改状态="否"), row("K45-2", 整改状态="√"), row("K45-3", 整改状态=True))
    yield Case(
        45,
        "是否",
        words,
        "accepted_with_rejections",
        [(3, "R04", "J3"), (4, "R04", "J4")],
        loads={"K45-1": {"status": "open"}},
        extension=".xlsx",
    )
    done = {"整改措施": "已修", "完成日期": "2020-06-10", "印证资料": "照片"}
    near = as_csv(row("K46-1", 整改状态="已整改到位", **done), row("K46-2", 整改状态="办结", **done))
    yield Case(
        46, "近义词", near, "accepted_with_rejections", [(3, "R04", "J3")], loads={"K46-1": {"status": "rectified"}}, says="整改到位"
    )
    crossed = as_csv(row("K47-1", 整改状态="整改到位", **{**done, "完成日期": "2020-06-01"}), row("K47-2", 整改时限="2020-06-01"))
    yield Case(47, "前后矛盾", crossed, "rejected", [(2, "P05", f"{column('完成日期')}2"), (3, "P01", f"{due}3")])
    none = csv_bytes([FUND_HEADER, movement("K47-3", "0"), movement("K47-4", "-5")])
    yield Case(47, "不是正数", none, "rejected", [(2, "F01", "D2"), (3, "F01", "D3")])
    noise = xlsx_bytes({"项目台账": [PROJECT_HEADER, ["K48-1", "路", "基础设施", 0.1 + 0.2, 1e-05 * 1000, "", ""]]})
    yield Case(48, "浮点", noise, loads={"K48-1": {"planned_yuan": "0.30", "central_yuan": "0.01"}}, table="project", extension=".xlsx")


def containers() -> Iterator[Case]:
    """60–71: what a file is made of, and what it tries."""
    one = [(None, "S01", None)]
    yield Case(60, "有密码", encrypted(as_xlsx(row("K60-1"))), "rejected", one, says="密码", extension=".xlsx")
    yield Case(60, "旧格式有密码", _with_filepass(as_xls(row("K60-2"))), "rejected", one, says="密码", extension=".xls")
    yield Case(61, "旧格式", as_xls(row("K61-1", 责任领导="𬇙䶮㛃茈")), loads={"K61-1": {"leader_name": "𬇙䶮㛃茈"}}, extension=".xls")
    yield Case(61, "金山", as_xls(row("K61-2")), loads={"K61-2": {}}, extension=".et")
    yield Case(
        61,
        "二进制工作簿",
        rezipped(as_xlsx(row("K61-3")), {"xl/workbook.xml": None, "xl/workbook.bin": b"\x83\x01\x00"}),
        "rejected",
        one,
        says="另存为 .xlsx",
        extension=".xlsb",
    )
    ods = rezipped(as_xlsx(row("K61-4")), {"xl/workbook.xml": None, "content.xml": b"<office/>"})
    yield Case(61, "开放文档", ods, "rejected", one, says="另存为 .xlsx", extension=".ods")
    no_book = {"xl/workbook.xml": None}
    others = {
        "pdf": b"%PDF-1.7\n",
        "jpg": b"\xff\xd8\xff\xe0",
        "png": b"\x89PNG\r\n\x1a\n",
        "rar": b"Rar!\x1a\x07\x00",
        "7z": b"7z\xbc\xaf\x27\x1c",
        "zip": rezipped(as_xlsx(row("K62-1")), no_book),
        "docx": rezipped(as_xlsx(row("K62-2")), {**no_book, "word/document.xml": b"<x/>"}),
    }
    for name, content in others.items():
        yield Case(62, name, content, "rejected", one, says="请", extension=f".{name}")
    whole = as_xlsx(row("K63-1"))
    yield Case(63, "截断", whole[: len(whole) // 2], "rejected", one, says="损坏", extension=".xlsx")
    yield Case(63, "缺部件", rezipped(as_xlsx(row("K63-2")), {"xl/worksheets/sheet1.xml": None}), "rejected", one, extension=".xlsx")
    utf16 = rezipped(as_xlsx(row("K63-3")), {"xl/workbook.xml": _workbook_xml(b"").decode().encode("utf-16")})
    yield Case(63, "UTF16部件", utf16, "rejected", one, extension=".xlsx")
    strict = {MAIN: "http://purl.oclc.org/ooxml/spreadsheetml/main", RELATIONS: "http://purl.oclc.org/ooxml/officeDocument/relationships"}
    sheet = sheet_xml(rows_xml([HEADER, row("K63-4")]))
    parts = {"xl/worksheets/sheet1.xml": sheet, "xl/workbook.xml": _workbook_xml(b""), "xl/sharedStrings.xml": shared_strings()}
    for old, new in strict.items():
        parts = {name: content.replace(old.encode(), new.encode()) for name, content in parts.items()}
    yield Case(63, "严格格式", raw_book(row("K63-4"), extra=parts), loads={"K63-4": {}}, extension=".xlsx")
    yield Case(63, "反斜杠", _backslashes(raw_book(row("K63-5"))), loads={"K63-5": {}}, extension=".xlsx")
    nested = rezipped(as_xlsx(row("K64-3")), {"xl/embeddings/book.xlsx": as_xlsx(row("K64-4"))})
    yield Case(64, "套着文件", nested, "rejected", one, extension=".xlsx")
    doctype = b'<!DOCTYPE l [<!ENTITY a "ha">]>'
    sheet = book({"问题台账": doctype + sheet_xml(rows_xml([HEADER, row("K65-1")]))})
    directory = raw_book(row("K65-2"), extra={"xl/workbook.xml": doctype + _workbook_xml(b"")})
    for name, content in (("文档类型", sheet), ("文档类型在目录", directory)):
        yield Case(65, name, content, "rejected", one, says="不安全", extension=".xlsx")
    yield Case(66, "普通宏", raw_book(row("K66-1"), macros=True), loads={"K66-1": {}}, extension=".xlsm")
    for name, part, content in (
        ("宏表", "xl/macrosheets/sheet1.xml", b"<macrosheet/>"),
        ("嵌入对象", "xl/embeddings/oleObject1.bin", b"x"),
        ("控件", "xl/activeX/activeX1.xml", b"<ocx/>"),
        ("DDE", "xl/externalLinks/externalLink1.xml", f'<externalLink xmlns="{MAIN}"><ddeLink ddeService="x"/></externalLink>'.encode()),
    ):
        yield Case(66, name, raw_book(row("K66-2"), extra={part: content}), "rejected", one, says="删去", extension=".xlsm")
    for number, text in enumerate(["='甲'|乙!A1", "+1", "-1+1", "@SUM(1)", "\t=1"]):
        key = f"K69-{number}"
        yield Case(69, f"像公式{number}", as_csv(row(key, 备注=text)), loads={key: {"remark": text.strip()}})
    for number, text in enumerate(["<script>0</script>", '"><i title=x>', "{{7*7}}", "{% raw %}"]):
        key = f"K70-{number}"
        yield Case(70, f"像网页{number}", as_csv(row(key, 备注=text)), loads={key: {"remark": text}})
    sql = "'); select 1; --"
    injected = xlsx_bytes({sql: [[*HEADER, sql], [*row("K71-1", 备注=sql), sql]]})
    yield Case(71, "像语句", injected, finds=["W31"], loads={"K71-1": {"remark": sql}}, extension=".xlsx")


def senders() -> Iterator[Case]:
    """54–58: whose data, for which day."""
    spoof = as_csv(row("K54-1", 乡镇="沙头镇"), row("K54-2", 乡镇="长春镇"))
    yield Case(54, "别人的数据", spoof, "rejected", [(None, "S06", None)], says="沙头镇、长春镇")
    yield Case(
        54,
        "混进一行",
        as_csv(row("K54-3"), row("K54-4", 乡镇="沙头镇")),
        "accepted_with_rejections",
        [(3, "R06", "B3")],
        loads={"K54-3": {}},
    )
    yield Case(55, "将来", as_csv(row("K55-1")), "rejected", [(None, "S07", None)], day="20990101")
    yield Case(55, "矛盾", as_csv(row("K55-2"), above=[["填报日期：2020-06-25"]]), "rejected", [(None, "S07", None)])
    visits = csv_bytes([VISIT_HEADER, ["K56-1", "2020-06-23", "迎风桥镇", "已巡查", "李四"]])
    yield Case(56, "别的台账", visits, "rejected", [(None, "S08", None)], says="督导记录")
    yield Case(56, "督导组", visits, loads={"K56-1": {"verdict": "已巡查"}}, table="visit", unit=GROUP)
    old_name = [["流水号", "资金层级", "环节", "金额(元)", "发生日期", "资金文号", "乡镇", "村(社区)"]]
    rows = [
        ["K58-1", "省级", "分配", "1", "2020-06-04", "某文", "", "邓家村"],
        ["K58-2", "省级", "分配", "1", "2020-06-04", "某文", "", "某某村"],
    ]
    yield Case(
        58,
        "旧村名",
        csv_bytes(old_name + rows),
        "accepted_with_rejections",
        [(3, "R05", "H3")],
        loads={"K58-1": {}},
        table="fund_movement",
        unit="430511000",
    )


def shown_values() -> Iterator[Case]:
    """73–79: what a cell shows and stores, words for nothing, pictures, parts that are not read."""
    leader, measures, evidence = column("责任领导"), column("整改措施"), column("印证资料")
    told = "显示的是“12.5”，存的却是 125000"
    amounts = {"K73-1": (125_000, "0!.0,"), "K73-2": (12.5, "#,##0.00_ "), "K73-3": (12.5, '0.00"元"'), "K73-4": (12.5, '0.00"万元"')}
    rejects, stored = [(2, "R03", "D2"), (4, "R03", "D4")], {key: {"amount_yuan": "125000.00"} for key in ("K73-2", "K73-4")}

    def style(sheet: Any) -> None:
        for number, (_, code) in enumerate(amounts.values(), start=2):
            sheet.cell(number, 4).number_format = code

    scaled = xlsx_bytes(
        {"资金台账": [FUND_HEADER, *(movement(key, value) for key, (value, _) in amounts.items())]}, touched(style, "资金台账")
    )
    yield Case(73, "格式改了金额", scaled, "accepted_with_rejections", rejects, (), stored, "fund_movement", told, extension=".xlsx")

    def write_amounts(workbook: Any) -> None:
        for number, (value, code) in enumerate(amounts.values(), start=1):
            workbook.get_sheet(0).write(number, 3, value, xlwt.easyxf(num_format_str=code))

    old = as_xls(*(movement(key.replace("73", "73旧"), "") for key in amounts), sheet="资金台账", header=FUND_HEADER, touch=write_amounts)
    stored = {key.replace("73", "73旧"): columns for key, columns in stored.items()}
    yield Case(73, "格式改了金额的旧表", old, "accepted_with_rejections", rejects, (), stored, "fund_movement", told, extension=".xls")
    days = xlsx_bytes({"资金台账": [FUND_HEADER, movement("K73-5", dt.date(2020, 6, 15))]})
    yield Case(73, "金额是日期", days, "rejected", [(2, "R03", "D2")], says="日期格式", extension=".xlsx")
    keys = [
        (907, '"K74-"000'),
        (8, "000"),
        (dt.date(2020, 6, 1), "m-d"),
        (True, "General"),
        (0.1, "General"),
        ("文1", '"K74-"@'),
        (7400, "#,##0"),
    ]

    def style_keys(sheet: Any) -> None:
        for number, (_, code) in enumerate(keys, start=2):
            sheet.cell(number, 1).number_format = code

    shown = as_xlsx(*(row(value) for value, _ in keys), touch=touched(style_keys))
    rejects = [(number, "R10", f"A{number}") for number in range(2, 8)]
    yield Case(
        74, "格式改了编号", shown, "accepted_with_rejections", rejects, loads={"7400": {}}, says="显示的是“K74-907”", extension=".xlsx"
    )

    def write_keys(workbook: Any) -> None:
        for number, (value, code) in enumerate(keys, start=1):
            workbook.get_sheet(0).write(number, 0, value if value != 7400 else 7401, xlwt.easyxf(num_format_str=code))

    old = as_xls(*(row("") for _ in keys), touch=write_keys)
    yield Case(
        74, "格式改了编号的旧表", old, "accepted_with_rejections", rejects, loads={"7401": {}}, says="存的却是 907", extension=".xls"
    )
    spoilt = as_csv(*(row(key) for key in ("1月2日", "2-Jan", "2020/6/1", "4.30902E+11", "TRUE")))
    yield Case(74, "表格程序改的编号", spoilt, "rejected", rejects[:5])
    done = {"整改状态": "整改到位", "完成日期": "2020-06-10", "整改措施": "已修", "印证资料": "照片"}
    nothing = [{"整改措施": "NULL", "印证资料": "–"}, {"整改措施": "暂无", "印证资料": "N/A"}, {"责任领导": "null"}]
    ditto = [{"责任领导": "同上"}, {"印证资料": "〃"}, {"责任领导": "待定"}, {"整改时限": "待定"}]
    words = as_csv(*(row(f"K75-{number}", **{**done, **change}) for number, change in enumerate([*nothing, *ditto, {"备注": "NULL"}])))
    rejects = [
        *((number, rule, f"{where}{number}") for number in (2, 3) for rule, where in (("P03", measures), ("P04", evidence))),
        (4, "R01", f"{leader}4"),
        (5, "R10", f"{leader}5"),
        (6, "R10", f"{evidence}6"),
        (7, "R10", f"{leader}7"),
        (8, "R02", f"{column('整改时限')}8"),
    ]
    yield Case(75, "没有内容的字", words, "accepted_with_rejections", rejects, loads={"K75-7": {"remark": None}}, says="请在每一行写全")
    in_cells = [b' t="str"><f>_xlfn.DISPIMG("ID_0",1)</f><v>=DISPIMG("ID_0",1)</v>', b' t="e" vm="1"><v>#VALUE!</v>']
    pictures = raw_book(*(row(f"K76-{number}", **{**done, "印证资料": cell}) for number, cell in enumerate(in_cells)))
    rejects = [(number, "P04", f"{evidence}{number}") for number in (2, 3)]
    yield Case(76, "格里的图片", pictures, "rejected", rejects, ["W34"], says="图片不会读入", extension=".xlsx")
    exported = as_csv(row("K76-2", **{**done, "印证资料": '=DISPIMG("ID_0",1)'}))
    yield Case(76, "导出的图片", exported, "rejected", rejects[:1], ["W34"], says="图片不会读入")
    floating = rezipped(raw_book(row("K76-3", **{**done, "印证资料": ""}), row("K76-4")), FLOATING_PICTURE)
    yield Case(
        76, "浮动的图片", floating, "accepted_with_rejections", rejects[:1], ["W34"], {"K76-4": {}}, says="图片不会读入", extension=".xlsx"
    )
    wide = {"问题台账": [HEADER, row("K77-1")], "字典": [[f"词{number}" for number in range(300)]]}
    hidden = xlsx_bytes(wide, lambda workbook: setattr(workbook["字典"], "sheet_state", "hidden"))
    yield Case(77, "很宽的隐藏表", hidden, finds=["W07"], loads={"K77-1": {}}, extension=".xlsx")
    wide["问题台账"] = [HEADER, row("K77-2")]
    yield Case(77, "很宽的别的表", xlsx_bytes(wide), loads={"K77-2": {}}, extension=".xlsx")
    far = as_xlsx(row("K77-3"), touch=touched(lambda sheet: sheet.cell(2, 300, "x")))
    yield Case(77, "很宽的台账", far, "rejected", [(None, "S10", "KN2")], says="KN2", extension=".xlsx")
    corner = {"问题台账": [HEADER, row("K77-4")], "草稿": []}

    def write_far_away(workbook: openpyxl.Workbook) -> None:
        workbook["草稿"].sheet_state = "hidden"
        workbook["草稿"].cell(1_048_576, 16_384, "x")

    merged = {"问题台账": [HEADER, row("K77-5")], "草稿": [["x"]]}

    def merge_too_much(workbook: openpyxl.Workbook) -> None:
        workbook["草稿"].sheet_state = "veryHidden"
        workbook["草稿"].merged_cells.ranges.add("A1:Z20000")

    yield Case(77, "隐藏表合并过多", xlsx_bytes(merged, merge_too_much), finds=["W07"], loads={"K77-5": {}}, extension=".xlsx")
    yield Case(77, "隐藏表最远的格", xlsx_bytes(corner, write_far_away), finds=["W07"], loads={"K77-4": {}}, extension=".xlsx")
    other = as_xlsx(row("K78-1"))
    parts = {name: zipfile.ZipFile(io.BytesIO(other)).read(name) for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")}
    renamed = {
        "xl/workbook.xml": None,
        "xl/_rels/workbook.xml.rels": None,
        "xl/workbook22.xml": parts["xl/workbook.xml"],
        "xl/_rels/workbook22.xml.rels": parts["xl/_rels/workbook.xml.rels"],
    }
    for name in ("_rels/.rels", "[Content_Types].xml"):
        renamed[name] = zipfile.ZipFile(io.BytesIO(other)).read(name).replace(b"workbook.xml", b"workbook22.xml")
    yield Case(78, "部件叫别的名字", rezipped(other, renamed), loads={"K78-1": {}}, extension=".xlsx")
    lost = rezipped(other, {"xl/workbook.xml": None})
    yield Case(78, "缺了主部件", lost, "rejected", [(None, "S01", None)], says="另存为 .xlsx", extension=".xlsx")
    dashes = as_csv(*(row(f"K79{dash}1") for dash in "-–—−‐"), row('="K79-2"'), row("'K79-3"), row('="K79-4"', 发现日期='="2020-06-04"'))
    found = {f"K79-{number}": {"found_on": "2020-06-04"} for number in range(1, 5)}
    yield Case(79, "编号里的横线和引号", dashes, finds=["W08"] * 4, loads=found)


#: A picture that lies on the cell of 印证资料 in the second row.
FLOATING_PICTURE = {
    "xl/worksheets/_rels/sheet1.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/drawing" Target="../drawings/drawing1.xml"/></Relationships>'
    ).encode(),
    "xl/drawings/drawing1.xml": (
        '<d:wsDr xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"><d:oneCellAnchor>'
        f"<d:from><d:col>{HEADER.index('印证资料')}</d:col><d:colOff>0</d:colOff><d:row>1</d:row><d:rowOff>0</d:rowOff></d:from>"
        '<d:ext cx="600000" cy="400000"/><d:pic/><d:clientData/></d:oneCellAnchor></d:wsDr>'
    ).encode(),
}


def _workbook_xml(before: bytes) -> bytes:
    head = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">'.encode()
    return head + before + '<sheets><sheet name="问题台账" sheetId="1" r:id="rId1"/></sheets></workbook>'.encode()


def _with_filepass(workbook: bytes) -> bytes:
    """An .xls as a program leaves it that has obfuscated it: the record FILEPASS behind the first BOF."""
    import olefile
    from xlwt.CompoundDoc import XlsDoc

    stream = olefile.OleFileIO(io.BytesIO(workbook)).openstream("Workbook").read()
    end = 4 + int.from_bytes(stream[2:4], "little")
    buffer = io.BytesIO()
    XlsDoc().save(buffer, stream[:end] + b"\x2f\x00\x06\x00\x00\x00\x59\xb3\x0a\x9a" + stream[end:])
    return buffer.getvalue()


def _backslashes(workbook: bytes) -> bytes:
    """The archive with backslashes in the names of its parts, as some programs write them (of the same length)."""
    for name in (b"xl/workbook.xml", b"xl/worksheets/sheet1.xml", b"xl/sharedStrings.xml", b"xl/styles.xml"):
        workbook = workbook.replace(name, name.replace(b"/", b"\\"))
    return workbook.replace(b"_rels/.rels", b"_rels\\.rels")


CASES = [*encodings(), *layouts(), *typed_values(), *senders(), *containers(), *shown_values()]
