"""Problems and projects that were reported before the fuzzing begins: rules P11, J07 and V03 speak of them."""

from __future__ import annotations

from tests.conftest import Office, csv_bytes
from tests.fuzz.ledgers import OFFICE, PROBLEMS, PROJECTS, TOWNSHIPS, known
from tests.ledgers import LEDGERS

_TABLES = {
    PROBLEMS: [
        ["问题编号", "问题来源", "发现日期", "问题类别", "问题描述", "责任领导", "整改时限", "整改状态"],
        ["第一轮排查", "2020-04-01", "其他", "屋顶漏雨", "张三", "2020-05-01", "未整改"],
    ],
    PROJECTS: [["项目编号", "项目名称", "项目类别", "计划总投资(元)"], ["机耕路", "基础设施", "1"]],
}


def send_known(office: Office) -> None:
    """Send what is known already."""
    for ledger, (header, cells) in _TABLES.items():
        for sender in (*TOWNSHIPS, OFFICE):
            keys = known(ledger, sender.code if sender.kind == "township" else None)
            office.drop(sender.code, f"已知{ledger}20200401.csv", csv_bytes([header, *([key, *cells] for key in keys)]))
    for title, entry in LEDGERS.items():
        for number, (unit, cells) in enumerate(entry.known):
            office.drop(unit, f"先有{title}{number}-20200401.csv", csv_bytes(entry.table({**entry.row_of(unit), **cells})))
    office.ingest()
