"""One minimal pair of files per file rule and finding: one file is accepted without a word, its neighbour breaks the rule."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import openpyxl

from tests.conftest import csv_bytes, xlsx_bytes

TOWNSHIP, OTHER, OFFICE, GROUP = "430902102", "430902104", "430902000", "430902-D1"
HEADER = ["问题编号", "乡镇", "问题来源", "发现日期", "问题类别", "问题描述", "责任领导", "整改时限", "整改状态"]
FUND_HEADER = ["流水号", "资金层级", "环节", "金额(万元)", "发生日期", "项目编号"]
PROJECT_HEADER = ["项目编号", "项目名称", "项目类别", "计划总投资(元)", "撤销原因"]
VISIT_HEADER = ["记录编号", "督导日期", "乡镇", "核查结论", "督导人员"]
VISIT = ["1", "2020-06-23", "迎风桥镇", "已巡查", "李四"]


@dataclass(frozen=True)
class FilePair:
    """Two files of one sender; `rule_id` is what the second one breaks. Names carry the report date."""

    rule_id: str
    what: str
    passes: bytes
    fails: bytes
    unit_code: str = TOWNSHIP
    unit_fails: str = ""  # where the second file comes from another sender
    rejected_by: tuple[str, ...] = ()  # what else the second file of a finding breaks
    name_passes: str = "台账20200624"
    name_fails: str = "台账20200624"
    extensions: tuple[str, str] = ("", "")


def problem(key: str, township: str = "迎风桥镇", description: str = "屋顶漏雨未修") -> list[str]:
    """A row of 问题台账 that nothing is wrong with."""
    return [key, township, "第一轮排查", "2020-06-04", "住房安全", description, "张三", "2020-06-30", "未整改"]


def movement(key: str, yuan: str = "1.5") -> list[str]:
    """A row of 资金台账 that nothing is wrong with."""
    return [key, "省级", "支出", yuan, "2020-06-04", "XM-1"]


def _problems(*rows: list[str], header: list[str] | None = None, above: tuple[list[str], ...] = ()) -> bytes:
    return csv_bytes([*above, header or HEADER, *rows])


def _hide_row(number: int) -> Callable[[openpyxl.Workbook], None]:
    def touch(workbook: openpyxl.Workbook) -> None:
        workbook["问题台账"].row_dimensions[number].hidden = True

    return touch


def _hide_sheet(name: str) -> Callable[[openpyxl.Workbook], None]:
    def touch(workbook: openpyxl.Workbook) -> None:
        workbook[name].sheet_state = "hidden"

    return touch


def _with_part(workbook: bytes, name: str, content: str) -> bytes:
    """A workbook with one more part."""
    buffer = io.BytesIO(workbook)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def _pairs() -> list[FilePair]:
    workbook = xlsx_bytes({"问题台账": [HEADER, problem("S01-1")]})
    wide = [f"附加列{number}" for number in range(256 - len(HEADER))]
    without_status = [column for column in HEADER if column != "整改状态"]
    two_sheets = {"问题台账": [HEADER, problem("W07-3")], "旧表": [HEADER, problem("W07-4")]}
    far = xlsx_bytes({"问题台账": [HEADER, problem("S10-3")]}, lambda book: book["问题台账"].cell(1, 257, "太远"))
    return [
        FilePair("S01", "文件损坏", workbook, workbook[: len(workbook) // 2]),
        FilePair("S01", "编码损坏", _problems(problem("S01-2")), _problems(problem("S01-3")) + b"\xff\xff\x81"),
        FilePair("S02", "表头不认得", _problems(problem("S02-1")), csv_bytes([["编号", "内容", "负责人"], ["1", "屋顶漏雨", "张三"]])),
        FilePair("S03", "缺少必填列", _problems(problem("S03-1")), _problems(problem("S03-2")[:-1], header=without_status)),
        FilePair(
            "S04",
            "同一列两次",
            _problems([*problem("S04-1"), ""], header=[*HEADER, "期限备忘"]),
            _problems([*problem("S04-2"), "2020-06-30"], header=[*HEADER, "整改期限"]),
        ),
        FilePair(
            "S05",
            "金额没有单位",
            csv_bytes([FUND_HEADER, movement("S05-1")]),
            csv_bytes([["金额" if name == "金额(万元)" else name for name in FUND_HEADER], movement("S05-2")]),
        ),
        FilePair(
            "S06",
            "每行都是别的乡镇",
            _problems(problem("S06-1"), problem("S06-2")),
            _problems(problem("S06-3", "沙头镇"), problem("S06-4", "长春镇")),
        ),
        FilePair(
            "S07",
            "日期矛盾",
            _problems(problem("S07-1"), above=(["填报日期：2020-06-24"],)),
            _problems(problem("S07-2"), above=(["填报日期：2020-06-25"],)),
        ),
        FilePair("S07", "日期在将来", _problems(problem("S07-3")), _problems(problem("S07-4")), name_fails="台账29990624"),
        FilePair("S08", "督导组报问题台账", csv_bytes([VISIT_HEADER, VISIT]), _problems(problem("S08-1")), unit_code=GROUP),
        FilePair("S08", "乡镇报督导记录", _problems(problem("S08-2")), csv_bytes([VISIT_HEADER, VISIT])),
        FilePair("S08", "办公室报督导记录", _problems(problem("S08-3")), csv_bytes([VISIT_HEADER, VISIT]), unit_code=OFFICE),
        FilePair("S09", "没有数据行", _problems(problem("S09-1")), _problems(["合计"])),
        FilePair(
            "S10",
            "列太多",
            _problems(problem("S10-1"), header=HEADER + wide),
            _problems(problem("S10-2"), header=[*HEADER, *wide, "再加一列"]),
        ),
        FilePair("S10", "单元格太远", xlsx_bytes({"问题台账": [HEADER, problem("S10-4")]}), far),
        FilePair("S10", "文件太大", _problems(problem("S10-5")), _problems(problem("S10-6")) + b"\n" * (50 << 20)),
        FilePair("W01", "没有填报日期", _problems(problem("W01-1")), _problems(problem("W01-2")), name_fails="台账"),
        FilePair(
            "W02",
            "合计不符",
            csv_bytes([FUND_HEADER, movement("W02-1"), movement("W02-2", "2.5"), ["合计", "", "", "4"]]),
            csv_bytes([FUND_HEADER, movement("W02-3"), movement("W02-4", "2.5"), ["合计", "", "", "4.1"]]),
        ),
        FilePair(
            "W07",
            "隐藏的行",
            xlsx_bytes({"问题台账": [HEADER, problem("W07-1")]}),
            xlsx_bytes({"问题台账": [HEADER, problem("W07-2")]}, _hide_row(2)),
        ),
        FilePair(
            "W07",
            "隐藏的表",
            xlsx_bytes({"问题台账": [HEADER, problem("W07-5")], "旧表": []}, _hide_sheet("旧表")),
            xlsx_bytes(two_sheets, _hide_sheet("旧表")),
        ),
        FilePair("W08", "相同的行", _problems(problem("W08-1"), problem("W08-2")), _problems(problem("W08-3"), problem("W08-3"))),
        FilePair(
            "R11",
            "多出一格",
            _problems(problem("R11-1")),
            _problems([*problem("R11-2"), "多出的"]),
        ),
        FilePair(
            "R11",
            "引号不成对",
            _problems(problem("R11-3")),
            _problems(problem("R11-4")).replace("屋顶漏雨未修".encode(), '"屋顶漏雨未修'.encode()),
        ),
        FilePair(
            "S04",
            "两张表",
            _problems(problem("S04-3"), HEADER, problem("S04-4")),
            _problems(problem("S04-5"), [*HEADER[1:], HEADER[0]], problem("S04-6")),
        ),
        FilePair("W12", "扩展名不符", _problems(problem("W12-1")), _problems(problem("W12-2")), extensions=(".csv", ".xlsx")),
        FilePair(
            "W13",
            "引用别的文件",
            xlsx_bytes({"问题台账": [HEADER, problem("W13-1")]}),
            _with_part(xlsx_bytes({"问题台账": [HEADER, problem("W13-2")]}), "xl/externalLinks/externalLink1.xml", "<externalLink/>"),
        ),
        FilePair(
            "W34",
            "图片",
            xlsx_bytes({"问题台账": [[*HEADER, "印证资料"], [*problem("W34-1"), "照片"]]}),
            csv_bytes([[*HEADER, "印证资料"], [*problem("W34-2"), '=DISPIMG("ID_0",1)']]),
        ),
        FilePair(
            "R11",
            "多出一个空格",
            _problems(problem("R11-5")),
            _problems([*problem("R11-6"), ""]),
        ),
        FilePair(
            "W33",
            "问题编号已被使用",
            _problems(problem("W33-1", "沙头镇")),
            _problems(problem("W33-1")),
            unit_code=OTHER,  # it sends so few files that this one is taken first
            unit_fails=TOWNSHIP,
            rejected_by=("P11",),
        ),
        FilePair(
            "W33",
            "项目编号已被使用",
            csv_bytes([PROJECT_HEADER, ["W33-2", "机耕路", "基础设施", "1", ""]]),
            csv_bytes([PROJECT_HEADER, ["W33-2", "机耕桥", "基础设施", "1", ""]]),
            unit_code=OTHER,
            unit_fails=TOWNSHIP,
            rejected_by=("J07",),
        ),
        FilePair(
            "W11",
            "乡镇填了项目撤销原因",
            csv_bytes([PROJECT_HEADER, ["W11-1", "机耕路", "基础设施", "1", ""]]),
            csv_bytes([PROJECT_HEADER, ["W11-2", "机耕路", "基础设施", "1", "不做了"]]),
        ),
        FilePair(
            "W31",
            "认不得的列有内容",
            _problems([1, *problem("W31-1"), "/"], header=["序号", *HEADER, "联系人"]),
            _problems([1, *problem("W31-2"), "王芳"], header=["序号", *HEADER, "联系人"]),
        ),
        FilePair(
            "W31",
            "没有列名的列有内容",
            xlsx_bytes({"问题台账": [HEADER, problem("W31-3")]}),
            xlsx_bytes({"问题台账": [HEADER, [*problem("W31-4"), "又一句"]]}),
        ),
        FilePair("W32", "示例行", _problems(problem("W32-1")), _problems(problem("示例"), problem("W32-2"))),
        FilePair(
            "W32",
            "预填的行",
            _problems(problem("W32-3"), ["", "/"]),
            _problems(problem("W32-4"), ["", "迎风桥镇", "第一轮排查"], ["", "迎风桥镇", "第一轮排查"]),
        ),
        FilePair(
            "W32", "填写说明", _problems(problem("W32-5")), _problems(["必填", "选填", "下拉选择", "格式：年-月-日"], problem("W32-6"))
        ),
        FilePair(
            "W32", "没有编号的一句", _problems(problem("W32-7"), ["填表人：王芳"]), _problems(problem("W32-8"), [*[""] * 5, "另有一户漏雨"])
        ),
        FilePair(
            "W32",
            "合计行里的话",
            _problems(problem("W32-9"), ["合计", "", "", "", "", "共1个问题"]),
            _problems(problem("W32-10"), ["合计", "", "", "", "", "1个", "张三"]),
        ),
    ]


FILE_PAIRS = _pairs()
