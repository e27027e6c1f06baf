"""The row rules over the cell texts of one CSV file: those of every ledger, and those of the four that the oracle knows by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from .cells import (
    BLANK_WORDS,
    FORMULA_ERRORS,
    NEVER_A_VALUE,
    Cell,
    Unreadable,
    as_shown,
    as_word,
    normal,
    read_certificate,
    read_count,
    read_date,
    read_id_number,
    read_key,
    read_money,
    read_month,
    read_number,
    read_percent,
    read_text,
    read_year,
    without_whitespace,
)
from .columns import KEY_COLUMN, KINDS, REQUIRED, SENDERS, WORDS
from .places import Break, Place, Reference, Row, judge_place


def judge(
    ledger: str,
    rows: Sequence[Mapping[str, str | None]],
    unit_code: str,
    report_on: date,
    reference: Reference,
    money_unit: str = "万元",
) -> list[frozenset[Break]]:
    """Judges the data rows of one ledger of one file.

    Args:
        ledger: title of a ledger of columns.yml.
        rows: canonical column name → text; an absent column is blank. Money columns are named without their unit.
        unit_code: the sender: a township, the office (``<district>000``), of 督导记录 a group (``<district>-D1``).
        report_on: the report date of the file.
        reference: divisions, campaigns and owners of keys as known before the file.
        money_unit: 元 or 万元, for every money column.

    Returns:
        For each row the (rule id, column) pairs it breaks; a loaded row has none. An identical copy of an earlier row
        has exactly ``("W08", key column)``: it is ignored, not rejected.
    """
    is_office = unit_code == reference.district_code + "000"
    kind = "office" if is_office else "township" if unit_code in reference.townships else "group"
    if kind not in SENDERS[ledger] or (kind == "group" and not unit_code.startswith(reference.district_code + "-")):
        raise ValueError(f"{unit_code} may not send {ledger}")
    read = [_read_row(ledger, row, report_on, money_unit) for row in rows]
    broken = [_judge_row(ledger, row, unit_code, is_office, report_on, reference) for row in read]
    return [frozenset(breaks) for breaks in _judge_copies(ledger, read, broken)]


def _read_row(ledger: str, row: Mapping[str, str | None], report_on: date, money_unit: str) -> dict[str, Cell]:
    return {
        column: _read_cell(ledger, column, kind, row.get(column) or "", report_on, money_unit) for column, kind in KINDS[ledger].items()
    }


def _read_cell(ledger: str, column: str, kind: str, text: str, report_on: date, money_unit: str) -> Cell:
    text = as_shown(text)
    plain = text.strip() if kind == "text" else normal(text)
    is_known_word = kind == "word" and without_whitespace(text) in WORDS[column]
    if not is_known_word and as_word(plain) in BLANK_WORDS:
        return Cell(None, None, text)
    try:
        if plain in FORMULA_ERRORS:
            raise Unreadable("R09")
        return Cell(_typed_value(ledger, column, kind, text, report_on, money_unit), None, text)
    except Unreadable as unreadable:
        return Cell(None, unreadable.args[0], text)


def _typed_value(ledger: str, column: str, kind: str, text: str, report_on: date, money_unit: str) -> object:
    if kind == "date":
        return read_date(text, report_on)
    if kind == "month":
        return read_month(text, report_on)
    if kind == "number":
        return read_number(text)
    if kind == "certificate":
        return read_certificate(text)
    if kind == "money":
        return read_money(text, money_unit)
    if kind == "percent":
        return read_percent(text)
    if kind == "count":
        return read_count(text)
    if kind == "year":
        return read_year(text)
    if kind == "id":
        return read_id_number(text)
    if kind == "key":
        return read_key(text)
    if kind in {"township", "village", "villages"}:
        # A list of villages may be longer; it is text.
        # A word such as 同上 is the name of no place; that is for the places to say.
        return normal(text) if as_word(normal(text)) in NEVER_A_VALUE else normal(read_text(text, 4000 if kind == "villages" else 64))
    if kind == "word":
        word = without_whitespace(text)
        if word not in WORDS[column]:
            raise Unreadable("R04")
        return WORDS[column][word]
    return read_text(text, 64 if kind == "name" else 4000)


def _judge_row(ledger: str, row: Row, unit_code: str, is_office: bool, report_on: date, reference: Reference) -> set[Break]:
    broken = {(cell.rule_id, column) for column, cell in row.items() if cell.rule_id is not None}
    broken |= {("R01", column) for column in REQUIRED[ledger] if _is_blank(row[column])}
    of_problems, of_projects = reference.problem_owners, reference.project_owners
    owners = {"问题台账": of_problems, "督导记录": of_problems, "项目台账": of_projects}.get(ledger, {})
    place = judge_place(ledger, row, unit_code, owners, reference) if "乡镇" in row else Place(None, False, frozenset())
    broken |= place.breaks
    if ledger == "问题台账":
        broken |= _judge_problem(row, is_office, report_on, reference)
        if not is_office and place.is_readable and _belongs_elsewhere(row, "问题编号", unit_code, owners, none_counts=True):
            broken.add(("P11", "问题编号"))
    elif ledger == "资金台账":
        broken |= _judge_movement(row, is_office, place, report_on)
    elif ledger == "督导记录":
        broken |= _judge_visit(row, place, report_on, owners)
    elif ledger == "项目台账":
        broken |= _judge_project(row, report_on)
        if not is_office and _belongs_elsewhere(row, "项目编号", unit_code, owners, none_counts=False):
            broken.add(("J07", "项目编号"))
    return broken


def _judge_copies(ledger: str, rows: Sequence[Row], broken: Sequence[set[Break]]) -> list[set[Break]]:
    """Applies R08 and W08: the same key with different content, or with the same."""
    key_column = KEY_COLUMN[ledger]
    judged = [set(breaks) for breaks in broken]
    for number, row in enumerate(rows):
        key = row[key_column].value
        if key is None:
            continue
        same_key = [other for other in range(len(rows)) if rows[other][key_column].value == key]
        contents = [{column: cell.typed for column, cell in rows[other].items()} for other in same_key]
        if any(content != contents[0] for content in contents):
            judged[number].add(("R08", key_column))
        elif number != same_key[0]:
            judged[number] = {("W08", key_column)}
    return judged


def _is_blank(cell: Cell) -> bool:
    return cell.rule_id is None and cell.value is None


def _belongs_elsewhere(row: Row, column: str, unit_code: str, owners: Mapping[str, str | None], none_counts: bool) -> bool:
    key = row[column].value
    if key is None or key not in owners:
        return False
    owner = owners[key]
    return none_counts if owner is None else owner != unit_code


def _judge_problem(row: Row, is_office: bool, report_on: date, reference: Reference) -> set[Break]:
    broken: set[Break] = set()
    status = row["整改状态"].value
    found_on, due_on, rectified_on = row["发现日期"].value, row["整改时限"].value, row["完成日期"].value
    if due_on is not None and found_on is not None and due_on < found_on:
        broken.add(("P01", "整改时限"))
    if status == "整改到位":
        for rule_id, column in (("P02", "完成日期"), ("P03", "整改措施"), ("P04", "印证资料")):
            if _is_blank(row[column]):
                broken.add((rule_id, column))
        if row["印证资料"].value in {"是", "否", "有", "齐全", "√"}:
            broken.add(("P04", "印证资料"))
    if rectified_on is not None and (rectified_on > report_on or (found_on is not None and rectified_on < found_on)):
        broken.add(("P05", "完成日期"))
    if found_on is not None and found_on > report_on:
        broken.add(("P06", "发现日期"))
    if status == "整改中" and _is_blank(row["整改措施"]):
        broken.add(("P07", "整改措施"))
    if row["责任领导"].value is not None and names_several_persons(str(row["责任领导"].value)):
        broken.add(("P08", "责任领导"))
    if status == "撤销" and not is_office:
        broken.add(("P09", "整改状态"))
    if status == "撤销" and is_office and _is_blank(row["撤销原因"]):
        broken.add(("P09", "撤销原因"))
    own_campaigns = [c for c in reference.campaigns if c.district_code == reference.district_code]
    if found_on is not None and not any(c.start_on <= found_on <= c.end_on for c in own_campaigns):
        broken.add(("P10", "发现日期"))
    if row["问题描述"].value is not None and len(str(row["问题描述"].value)) < 4:
        broken.add(("P12", "问题描述"))
    return broken


def names_several_persons(text: str) -> bool:
    """Says whether 责任领导 names more than one person, what stands in brackets aside (P08)."""
    text = re.sub(r"（[^（）]*）|\([^()]*\)", "", text).strip()
    text = re.sub(r"(?:^|(?<=\s))[0-9-]{7,}(?=\s|$)", "", text)
    text = re.sub(r"(?:^|(?<=\s))(?:副?镇长|副?书记|副?主任)(?=\s|$)", "", text)
    if re.search(r"..等([0-9一二三四五六七八九十]*人)?$", text.strip()):
        return True
    persons = [part for part in re.split("[、，,;；/&\n]", text) if part.strip()]
    if len(persons) > 1:
        return True
    together = "".join("".join(persons).split())
    if any(word in "和及与" and place >= 2 and len(together) - place > 2 for place, word in enumerate(together)):
        return True
    parts = "".join(persons).split()
    return any(len(one) >= 2 and len(two) >= 2 for one, two in zip(parts, parts[1:], strict=False))


def _judge_movement(row: Row, is_office: bool, place: Place, report_on: date) -> set[Break]:
    broken: set[Break] = set()
    stage, amount, moved_on = row["环节"].value, row["金额"].value, row["发生日期"].value
    if amount is not None and amount <= 0:
        broken.add(("F01", "金额"))
    if stage in ("下达", "分配") and _is_blank(row["资金文号"]):
        broken.add(("F02", "资金文号"))
    if stage in ("拨付", "支出") and _is_blank(row["项目编号"]):
        broken.add(("F03", "项目编号"))
    if moved_on is not None and moved_on > report_on:
        broken.add(("F04", "发生日期"))
    if stage in ("下达", "分配", "收回") and not is_office:
        broken.add(("F05", "环节"))
    if stage in ("拨付", "支出") and is_office and place.is_readable and not _is_blank(row["乡镇"]):
        broken.add(("F05", "环节"))
    return broken


def _judge_project(row: Row, report_on: date) -> set[Break]:
    broken: set[Break] = set()
    for earlier, later in (("计划开工日期", "计划完工日期"), ("实际开工日期", "实际完工日期"), ("实际完工日期", "验收日期")):
        if row[earlier].value is not None and row[later].value is not None and row[earlier].value > row[later].value:
            broken.add(("J01", earlier))
    tiers = [row[column].value for column in ("中央资金", "省级资金", "市级资金", "区级资金")]
    planned, other = row["计划总投资"].value, row["其他资金"]
    if planned is not None and other.rule_id is None and None not in tiers and sum(tiers) + (other.value or Decimal(0)) != planned:
        broken.add(("J02", "中央资金"))
    progress = row["形象进度(%)"].value
    if progress is not None and not 0 <= progress <= 100:
        broken.add(("J03", "形象进度(%)"))
    for filled, missing in (("实际完工日期", "实际开工日期"), ("验收日期", "实际完工日期")):
        if row[filled].value is not None and _is_blank(row[missing]):
            broken.add(("J04", filled))
    for column in ("实际开工日期", "实际完工日期", "验收日期"):
        if row[column].value is not None and row[column].value > report_on:
            broken.add(("J05", column))
    if planned is not None and planned <= 0:
        broken.add(("J06", "计划总投资"))
    return broken


def _judge_visit(row: Row, place: Place, report_on: date, owners: Mapping[str, str | None]) -> set[Break]:
    broken: set[Break] = set()
    problem, visited_on = row["问题编号"], row["督导日期"].value
    if row["核查结论"].value in ("属实", "退回", "反弹") and _is_blank(problem):
        broken.add(("V01", "问题编号"))
    if visited_on is not None and visited_on > report_on:
        broken.add(("V02", "督导日期"))
    if problem.value is not None and place.is_readable and (problem.value not in owners or owners[problem.value] != place.code):
        broken.add(("V03", "问题编号"))
    return broken
