"""`make check`: judge a file as if a unit had sent it, without loading anything."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from duban import warehouse
from duban.intake.reading import NOT_READ
from duban.intake.values import dates_in_name
from duban.ledgers import ExpectationsInvalid
from duban.settings import TIMEZONE
from duban.text.words import mask_text, visible
from duban.warehouse.submissions import Claim
from local.console import Console, Problem, problems
from local.system import System, open_warehouse

REQUIRED = ("file", "unit")
SHOWN = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("file", help="the file")
    parser.add_argument("unit", help="unit code of its sender")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Print the receipt that the unit would get for the file now.

    Raises:
        Problem: there is no such file or unit, the warehouse cannot be asked, or a file of expectations cannot be meant.
    """
    path = Path(options.file).absolute()
    if not path.is_file():
        raise Problem(f"{path} is no file.")
    with open_warehouse(system) as conn:
        claim = claim_of(path, options.unit, warehouse.divisions.registered_units(conn))
        console.say("loading the gate")
        # Great Expectations alone takes seconds to import; whoever misspells a file name or a unit need not wait for it.
        from duban.quality import judging, receipt

        with problems(ExpectationsInvalid):
            verdict = judging.judge_unsent(conn, claim, path, system.installation.settings)
    for line in lines(receipt.build(verdict, claim.claimed_at)):
        console.show(line)


def claim_of(path: Path, unit_code: str, units: dict[str, warehouse.divisions.Unit]) -> Claim:
    """The claim that sending the file now would make.

    Raises:
        Problem: the unit is not registered.
    """
    unit = units.get(unit_code)
    if unit is None:
        raise Problem(f"{unit_code} is no registered unit; the folders of the inbox bear the codes of those that are.")
    content = path.read_bytes()
    return Claim(
        submission_id="",
        district_code=unit.district_code,
        unit_code=unit.unit_code,
        unit_kind=unit.unit_kind,
        unit_name=unit.unit_name,
        file_name=mask_text(visible(path.name)),
        file_sha256=hashlib.sha256(content).hexdigest(),
        file_size=len(content),
        file_mtime_ns=path.stat().st_mtime_ns,
        claimed_at=datetime.now(TIMEZONE),
        named_dates=dates_in_name(path.name),
    )


def lines(document: dict[str, Any]) -> Iterator[str]:
    """A receipt as lines of text, fit for a terminal."""
    counts, rejections = document["counts"], document["rejections"]
    yield visible(f"{document['file_name']}  {document['unit_name']}（{document['unit_code']}）")
    yield f"结果：{document['outcome_text']}（只是检查，没有报送）"
    if document["report_on"]:
        yield f"填报日期：{document['report_on']}"
    yield f"行数：共 {counts['row']} 行：收下 {counts['accepted']}，退回 {counts['rejected']}，不计 {counts['ignored']}"
    for entry in rejections[:SHOWN]:
        where = " ".join(filter(None, (entry["sheet"], entry["cell"] or (f"第{entry['row_no']}行" if entry["row_no"] else ""))))
        value = f"“{entry['value_masked']}”" if entry["value_masked"] else ""
        place = " ".join(filter(None, (entry["rule_id"], where, f"{entry['column_name'] or ''}{value}")))
        yield visible(f"  {place}：{entry['reason']}。{entry['how_to_fix']}")
    if more := len(rejections[SHOWN:]) + document["rejections_not_listed"]:
        yield f"  另有 {more} 处没有列出"
    for found in document["findings"][:SHOWN]:
        yield visible(f"  提醒 {found['rule_id']}：{found['text']}")
    if more := len(document["findings"][SHOWN:]) + document["findings_not_listed"]:
        yield f"  另有 {more} 条提醒没有列出"
    if skipped := document["read_as"]["skipped_sheets"]:
        yield visible(f"  没有读的工作表：{'、'.join(skipped)}")
    is_read = not any(found["rule_id"] in NOT_READ for found in document["findings"])
    ready = "可以报送。" if is_read else "可以报送；上面说没有读入的，请先看一看。"
    next_step = {"accepted": ready, "duplicate": document["next_step"]}.get(document["outcome"], "请先改正上面各处，再报送。")
    yield f"接下来：{next_step}"
