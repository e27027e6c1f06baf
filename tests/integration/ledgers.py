"""Small ledgers for the intake tests: rows that nothing is wrong with, and how to write them as files."""

from __future__ import annotations

from typing import Any

from tests.conftest import csv_bytes, xlsx_bytes

TOWNSHIP, OTHER, OFFICE, GROUP = "430902102", "430902104", "430902000", "430902-D1"
PROBLEM_HEADER = [
    "问题编号",
    "乡镇",
    "村(社区)",
    "问题来源",
    "发现日期",
    "问题类别",
    "问题描述",
    "责任领导",
    "整改时限",
    "整改状态",
    "整改措施",
]
FUND_HEADER = ["流水号", "资金层级", "环节", "金额(万元)", "发生日期", "项目编号"]
LINEAGE = ["version_id", "submission_id", "received_at", "masked_at", "source_file", "source_sheet", "source_row"]


def problem(key: str, **changes: Any) -> list[Any]:
    """A row of 问题台账; name a column to change its cell."""
    cells = dict(
        zip(
            PROBLEM_HEADER,
            [key, "", "", "第一轮排查", "2020-06-04", "住房安全", "屋顶漏雨未修", "张三", "2020-06-30", "未整改", ""],
            strict=True,
        )
    )
    unknown = set(changes) - set(cells)
    assert not unknown, unknown
    return list({**cells, **changes}.values())


def movement(key: str, amount: Any = "1.5") -> list[Any]:
    """A row of 资金台账."""
    return [key, "省级", "支出", amount, "2020-06-04", "XM-1"]


def problems_csv(*rows: list[Any], above: tuple[list[Any], ...] = (), encoding: str = "utf-8") -> bytes:
    """问题台账 as CSV."""
    return csv_bytes([*above, PROBLEM_HEADER, *rows], encoding)


def problems_xlsx(*rows: list[Any], above: tuple[list[Any], ...] = ()) -> bytes:
    """问题台账 as a workbook."""
    return xlsx_bytes({"问题台账": [*above, PROBLEM_HEADER, *rows]})


def versions(office: Any, table: str = "problem_versions", *also_without: str) -> list[dict[str, Any]]:
    """All raw rows less lineage, in order."""
    rows = office.query(f"select * from raw.{table} order by received_at, source_row")
    return [{name: value for name, value in row.items() if name not in {*LINEAGE, *also_without}} for row in rows]


def by_name(office: Any) -> dict[str, dict[str, Any]]:
    """The lines of ops.submissions by file name."""
    return {row["file_name"]: row for row in office.query("select * from ops.submissions order by claimed_at")}


def counts(row: dict[str, Any]) -> tuple[str, int, int, int, int]:
    """Outcome and the four counts."""
    return row["outcome"], row["row_count"], row["accepted_count"], row["rejected_count"], row["ignored_count"]
