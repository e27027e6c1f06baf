"""What operators are told: errors one by one, warnings as numbers and as what came and went, each with its place in the runbook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import groupby

from duban.text import display
from duban.warehouse.watch import Item
from duban.watching.checks import BY_CODE
from duban.watching.runbook import link

#: More of one kind are counted, not listed.
MAX_LISTED = 10


def said(item: Item) -> str:
    """An item as a message remembers it: equal in two messages, nothing changed. Texts hold times and counts, and are no part of it."""
    return f"{item.severity} {item.check_code} {item.subject}"


def key_of(line: str) -> tuple[str, str]:
    """Check and subject of what a message remembers."""
    _, code, subject = line.split(" ", 2)
    return code, subject


def write(district_code: str, district_name: str, today: date, items: Sequence[Item], said_before: Sequence[str]) -> tuple[str, str]:
    """Subject and text of a message.

    Args:
        district_code: Whose operators read it.
        district_name: Its name.
        today: Day of the report.
        items: Errors and warnings that are not muted.
        said_before: What the message before was written from.
    """
    known = set(said_before)
    order = list(BY_CODE)  # that of the list of checks: what the office must do itself comes first
    errors = [item for item in items if item.severity == "error"]
    errors.sort(key=lambda item: (order.index(item.check_code), item.runbook_anchor, item.subject))
    warnings = [item for item in items if item.severity == "warning"]
    now = {item.key for item in items}
    gone = Counter(code for code, subject in map(key_of, said_before) if (code, subject) not in now)
    subject = f"{district_name}督办运行监测 {display.short_day(today)}：" + _headline(len(errors), len(warnings))
    lines = [f"【错误】{len(errors)} 项"] if errors else []
    for anchor, group in groupby(errors[:MAX_LISTED], key=lambda item: item.runbook_anchor):
        listed = list(group)
        check = BY_CODE[listed[0].check_code]
        lines.append(f"{check.title}：{check.what_to_do}，详见 {link(anchor)}")
        lines += [
            f"· {item.text}（{'新出现' if said(item) not in known else f'自{display.short_day(item.first_seen_on)}起'}）" for item in listed
        ]
    lines += [f"另有 {len(errors) - MAX_LISTED} 项错误"] if len(errors) > MAX_LISTED else []
    new = [item for item in warnings if said(item) not in known]
    if warnings:
        lines.append(f"【提醒】{len(warnings)} 项，其中新出现 {len(new)} 项")
    lines += [f"· {item.text}，详见 {link(item.runbook_anchor)}" for item in new[:MAX_LISTED]]
    lines += [f"另有 {len(new) - MAX_LISTED} 项新的提醒"] if len(new) > MAX_LISTED else []
    if gone:
        lines.append(
            "【已消除】" + "、".join(f"{BY_CODE[code].title if code in BY_CODE else code} {count} 项" for code, count in gone.items())
        )
    lines.append(f"全部情况：页面 site/{district_code}/watch.html，或 make status")
    return subject, "\n".join(lines)


def _headline(error_count: int, warning_count: int) -> str:
    counts = [f"错误 {error_count} 项"] if error_count else []
    counts += [f"提醒 {warning_count} 项"] if warning_count else []
    return "，".join(counts) or "没有异常"
