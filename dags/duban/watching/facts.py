"""The checks that are more than a query: what lies in folders, what is asked of several places."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import psycopg

from duban.intake import inbox
from duban.settings import TIMEZONE, Settings
from duban.statements import statement
from duban.text import display
from duban.warehouse.divisions import registered_units
from duban.warehouse.submissions import ACCEPTED
from duban.watching.bulletins import days_without_bulletin
from duban.watching.folders import folders_of
from duban.watching.runbook import anchor_of_task

GIB = 1 << 30


@dataclass(frozen=True)
class Scene:
    """What a check looks at: the warehouse and the folders at one moment, and its own thresholds."""

    conn: psycopg.Connection
    settings: Settings
    now: datetime
    thresholds: Mapping[str, Any]
    # Names of the folders that do not answer. Whoever asks them waits for ever: then nothing is asked of any.
    silent: Callable[[], Sequence[str]] = tuple

    @property
    def today(self) -> date:
        """The day in Shanghai."""
        return self.now.astimezone(TIMEZONE).date()

    @property
    def since(self) -> datetime:
        """The beginning of yesterday."""
        return datetime.combine(self.today - timedelta(days=1), datetime.min.time(), TIMEZONE)

    def ask(self, code: str, **more: Any) -> list[tuple[Any, ...]]:
        """The lines of the query of a check, `queries/<code>.sql`, given the moment and the thresholds."""
        asked = {"now": self.now, "today": self.today, "since": self.since, "accepted": list(ACCEPTED), **self.thresholds, **more}
        return self.conn.execute(statement(__file__, f"queries/{code}"), asked).fetchall()


@dataclass(frozen=True)
class Found:
    """One finding of a check. `severity`: None means that of the check; `anchor`: None means its code."""

    subject: str
    text: str
    district_code: str | None = None
    severity: str | None = None
    anchor: str | None = None


_STAGES = {
    "inbox": "没有被收走",
    "judging": "已经收下，还没有审核结果",
    "build": "已经收下，还没有计入数据",
    "page": "已经计入数据，排名页面还没有更新",
}


def unshown_files(scene: Scene) -> Iterator[Found]:
    """Files that arrived longer than `minutes` ago and no live ranking shows, by how far they have come."""
    stages = [*([] if scene.silent() else [_waiting_in_inbox(scene)]), *scene.ask("file_not_shown")]
    for stage, count, since in stages:
        if count:
            text = f"{count} 个文件{_STAGES[stage]}，最早的 {display.moment(since)} 到达，已超过 {scene.thresholds['minutes']} 分钟"
            yield Found(stage, text)


def silent_folders(scene: Scene) -> Iterator[Found]:
    """Folders that do not answer."""
    for name in scene.silent():
        yield Found(name, f"文件夹 {name} 没有响应（网络磁盘断开？），要用到它的工作都停着，恢复后自动继续")


def _waiting_in_inbox(scene: Scene) -> tuple[str, int, datetime | None]:
    deadline = scene.now - timedelta(minutes=scene.thresholds["minutes"])
    arrivals = []
    for seen in inbox.look(scene.settings.inbox, registered_units(scene.conn).keys()).values():
        try:
            # when it came to lie there; the time of its content may be years ago
            arrivals.append(datetime.fromtimestamp(seen.path.stat(follow_symlinks=False).st_ctime, TIMEZONE))
        except FileNotFoundError:
            continue
    overdue = [arrived_at for arrived_at in arrivals if arrived_at <= deadline]
    return "inbox", len(overdue), min(overdue, default=None)


def missing_bulletins(scene: Scene) -> Iterator[Found]:
    """Working days whose daily bulletin is due and neither published nor held; today's from the hour `by` on."""
    is_due_today = scene.now.astimezone(TIMEZONE).time() >= time.fromisoformat(scene.thresholds["by"])
    names = dict(scene.conn.execute("select district_code, district_name from raw.districts").fetchall())
    for day, districts in days_without_bulletin(scene.conn, scene.today + timedelta(days=is_due_today)):
        for code in districts:
            yield Found(f"{code}/{day}", f"{names[code]}{display.short_day(day)}的日通报没有发出", code)


def failed_tasks(scene: Scene) -> Iterator[Found]:
    """Tasks that failed and have not succeeded since; and those of yesterday and today that have."""
    for dag_id, task_id, count, failed_at, exception_type, is_recovered in scene.ask("task_failed"):
        end = "其后已恢复" if is_recovered else "其后还没有成功过"
        text = f"流程 {dag_id} 的 {task_id} 失败 {count} 次，最近 {display.moment(failed_at)}（{exception_type}），{end}"
        yield Found(f"{dag_id}.{task_id}", text, severity="info" if is_recovered else None, anchor=anchor_of_task(dag_id, task_id))


def inbox_strangers(scene: Scene) -> Iterator[Found]:
    """What lies in the inbox and is nobody's. How many; the names are for `make status`."""
    if scene.silent():
        return
    if names := inbox.strangers(scene.settings.inbox, registered_units(scene.conn).keys()):
        what = "不属于任何单位的文件夹或文件，单位文件夹里的子文件夹、链接和隐藏文件"
        yield Found("inbox", f"收件目录里有 {len(names)} 个不会被收走的内容（{what}）")


def damaged_landing(scene: Scene) -> Iterator[Found]:
    """Files that do not lie in the landing area as they were taken, and originals that still lie out of sight in the inbox, by unit.

    The size of every file is looked at, the bytes of those of the last `hashed_days`; all of them by every backup.
    """
    if scene.silent():
        return
    damaged: dict[tuple[str, str, str], list[str]] = {}
    for submission_id, *unit, sha256, size, is_whole, is_hashed in scene.ask("landing_damaged"):
        path = inbox.landed(scene.settings.landing, sha256)
        is_right = path.is_file() and (is_whole is False or path.stat().st_size == size)
        if not is_right or (is_hashed and not inbox.is_intact(path, sha256)):
            damaged.setdefault(tuple(unit), []).append(submission_id)
    for (code, name, district), ids in damaged.items():
        yield Found(code, f"{name}有 {len(ids)} 个收下的文件，收存的副本丢失或与收到时不一致（{_some(ids)}）", district)
    units = registered_units(scene.conn)
    hidden: dict[str, list[str]] = {}
    originals = inbox.hidden_originals(scene.settings.inbox, units)
    unremoved = "select submission_id from ops.submissions where removed_at is null and submission_id = any(%s)"
    on_their_way = {identity for (identity,) in scene.conn.execute(unremoved, ([identity for _, identity in originals],))}
    for code, identity in originals:
        if identity not in on_their_way:
            hidden.setdefault(code, []).append(identity)
    for code, ids in hidden.items():
        text = f"{units[code].unit_name}有 {len(ids)} 个文件没有收完整，原件还隐藏在收件目录（{_some(ids)}）"
        yield Found(f"{code}/original", text, units[code].district_code)


def _some(ids: list[str]) -> str:
    return "、".join(ids[:3]) + ("等" if len(ids) > 3 else "")


def disk_space(scene: Scene) -> Iterator[Found]:
    """Folders whose disk is nearly full; those on one disk together."""
    for names, free in ({} if scene.silent() else free_space(scene.settings)).items():
        for severity in ("error", "warning"):
            if free < scene.thresholds[f"{severity}_free_bytes"]:
                yield Found(names, f"{names} 所在的磁盘只剩 {free / GIB:.1f} GB", severity=severity)
                break


def free_space(settings: Settings) -> dict[str, int]:
    """Free bytes of the disks that the folders lie on, by the names of the folders."""
    by_disk: dict[int, tuple[list[str], int]] = {}
    for name, folder in folders_of(settings).items():
        if folder.exists():
            names, _ = by_disk.setdefault(folder.stat().st_dev, ([], shutil.disk_usage(folder).free))
            names.append(name)
    return {"、".join(names): free for names, free in by_disk.values()}


def old_backup(scene: Scene) -> Iterator[Found]:
    """The newest backup in the home is too old, or there is none."""
    if scene.silent():
        return
    made = [path.stat().st_mtime for path in (scene.settings.home / "backups").glob("duban-*.tar")]
    if not made:
        yield Found("backup", "还没有做过备份")
        return
    newest = datetime.fromtimestamp(max(made), TIMEZONE)
    for severity in ("error", "warning"):
        if scene.now - newest > timedelta(days=scene.thresholds[f"{severity}_days"]):
            yield Found("backup", f"最近一次备份是 {display.moment(newest)}，已过 {(scene.now - newest).days} 天", severity=severity)
            break
