"""The list of checks: what is looked at, how bad it is, from when on, what to do first. docs/runbook.md has a chapter for each code.

An error must be mended or decided by a person now; a warning is counted, and told when it comes and when it goes; an info is for the page.
A check reports what is so at the moment it is asked. What it reports is gone from the next report when its reason is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache
from typing import Any

import psycopg

from duban.ledgers import load_expectations
from duban.settings import Settings
from duban.watching import facts
from duban.watching.facts import GIB, Found, Scene
from duban.watching.folders import folders_of, silent_folders

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Check:
    """One thing that is watched. `code` is public: mutes, the runbook and `marts.fct_watch_items` name it.

    What is found says either a function of `facts`, or the query of this code. That returns, per finding: subject, district_code, severity
    (null: that of the check), text in Chinese. A text names units, rules, days and numbers. It holds no person, no file name and nothing
    that a sender wrote: it goes to groups and to BI. Parameters beside those of `Scene.ask`: `reported_before` (day of the report before,
    or null), `rules` and `ledgers` (wording by id, as JSON).
    """

    code: str
    title: str
    severity: str
    what_to_do: str
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    find: Callable[[Scene], Iterable[Found]] | None = None
    is_deadline: bool = False  # looked at all the time, and told at once
    needs_marts: bool = False  # asks the working calendar, which the first build makes


CHECKS = (
    Check(
        "file_not_shown",
        "文件未及时上榜",
        "error",
        "先看 make status 哪一步停了",
        {"minutes": 15},
        find=facts.unshown_files,
        is_deadline=True,
    ),
    Check(
        "bulletin_missing",
        "日通报未发出",
        "error",
        "运行 make publish DAY=日期 补出",
        {"by": time(18, 0)},
        find=facts.missing_bulletins,
        is_deadline=True,
        needs_marts=True,
    ),
    Check("issue_held", "通报暂缓", "error", "改正数据后重新发布，或在 Airflow 写明理由后放行", {"minutes": 30}, is_deadline=True),
    Check("folder_silent", "文件夹没有响应", "error", "恢复网络磁盘；仍不行请重启机器", find=facts.silent_folders, is_deadline=True),
    Check("build_failed", "数据更新失败", "error", "看 build_warehouse 的日志，改正后重新运行"),
    Check("build_overdue", "数据久未更新", "error", "看 build_warehouse 是否在运行，手动运行一次", {"hours": 26}),
    Check("task_failed", "流程失败", "error", "按手册该任务一节处理，重新运行", {"look_back_days": 14}, find=facts.failed_tasks),
    Check("delivery_failed", "发送未成", "error", "问清对方后运行 make delivery 决定重发或不发"),
    Check("delivery_waiting", "发送等待中", "warning", "补上缺少的连接；或检查邮件服务器", {"minutes": 60}),
    Check(
        "disk_full",
        "磁盘将满",
        "warning",
        "腾出空间或扩容",
        {"error_free_bytes": 1 * GIB, "warning_free_bytes": 5 * GIB},
        find=facts.disk_space,
    ),
    Check("backup_old", "备份过旧", "warning", "运行 make backup", {"error_days": 7, "warning_days": 2}, find=facts.old_backup),
    Check("late_units", "单位未报送", "warning", "电话催报", {"warning_workdays": 1, "error_workdays": 3}, needs_marts=True),
    Check("rejected_files", "文件整份退回", "warning", "提醒单位看退回单，按说明改好再报"),
    Check("slips_unanswered", "退回未改", "warning", "提醒单位改好退回单再报", {"workdays": 2, "look_back_days": 30}, needs_marts=True),
    Check(
        "rule_suddenly_fires",
        "规则突然多退",
        "warning",
        "看是表格改了还是规则改了",
        {"compared_days": 30, "min_failed_rows": 10, "min_rows_before": 100, "min_share": 0.1, "times": 5},
    ),
    Check(
        "landing_damaged", "收存的文件不完整", "error", "按手册找回原件，或请单位重新报送", {"hashed_days": 31}, find=facts.damaged_landing
    ),
    Check("inbox_strangers", "收件目录有不会收走的内容", "warning", "放到正确单位的文件夹，或移走", find=facts.inbox_strangers),
    Check(
        "calendar_provisional",
        "工作日历将到期",
        "warning",
        "国务院办公厅发布放假通知后运行 make calendar FILE=… 录入",
        {"days": 60},
        needs_marts=True,
    ),
    Check("mute_expired", "静音到期", "warning", "处理原因，或再次静音"),
    Check("rejected_rows", "退回的行", "info", "退回最多的规则，可向单位讲解"),
    Check("rule_never_fires", "从未用上的规则", "info", "核对规则写得对不对", {"min_rows": 1000, "min_days": 30}),
)
#: A check that could not be asked; no entry of its own finds it.
CHECK_FAILED = Check("check_failed", "检查本身失败", "error", "看 watch_pipeline 的日志")
BY_CODE = {check.code: check for check in (*CHECKS, CHECK_FAILED)}
DEADLINES = tuple(check for check in CHECKS if check.is_deadline)


def run_checks(
    conn: psycopg.Connection, settings: Settings, now: datetime, reported_before: date | None, checks: Iterable[Check] = CHECKS
) -> list[tuple[Check, Found]]:
    """Ask every check; one that cannot be asked is a finding itself, and stops no other.

    Args:
        conn: A connection, in a transaction or not.
        settings: Where the folders are.
        now: The moment to go by.
        reported_before: Day of the report before this one.
        checks: Which; all unless given.

    Raises:
        psycopg.OperationalError: the warehouse is not there any more.
    """
    wording = _wording(settings)
    silent = cache(lambda: silent_folders(folders_of(settings)))  # asked once, and only by checks that look into folders
    has_marts = conn.execute("select to_regclass('marts.dim_dates') is not null").fetchone()[0]
    found: list[tuple[Check, Found]] = []
    for check in checks:
        if check.needs_marts and not has_marts:
            continue
        scene = Scene(conn, settings, now, check.thresholds, silent)
        try:
            with conn.transaction():
                if check.find is None:
                    lines = scene.ask(check.code, reported_before=reported_before, **wording)
                    results = [Found(subject, text, district, severity) for subject, district, severity, text in lines]
                else:
                    results = list(check.find(scene))
        except psycopg.OperationalError:
            raise
        except Exception as error:
            log.error("the check %s could not be asked: %s", check.code, type(error).__name__)
            found.append((CHECK_FAILED, Found(check.code, f"“{check.title}”没有能检查（{type(error).__name__}）")))
        else:
            found += [(check, result) for result in results]
    return found


def _wording(settings: Settings) -> dict[str, str]:
    """What rules and ledgers are called, as JSON; nothing where the rules cannot be read, which the gate says louder."""
    rules: dict[str, str] = {}
    ledgers: dict[str, str] = {}
    try:
        expectations = load_expectations(settings)
    except Exception as error:
        log.warning("the rules cannot be read: %s", type(error).__name__)
    else:
        texts = [*expectations.file_rules.values(), *expectations.cell_rules.values()]
        for rule in (*texts, *(rule for ledger in expectations.ledgers.values() for rule in ledger.rules)):
            rules.setdefault(rule.id, rule.reason)
        ledgers = {ledger.name: ledger.title for ledger in expectations.ledgers.values()}
    return {"rules": json.dumps(rules, ensure_ascii=False), "ledgers": json.dumps(ledgers, ensure_ascii=False)}
