"""The assets by which one DAG starts the next, and those that show an engineer in Airflow what came in and what was built.

An event of the first kind means: there is something new; how much, the warehouse knows. Nothing is started by the second kind: its
events say with numbers what a task did (`announce_files`, `announce_build`), and of a sender only file names, masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, AssetWatcher

from duban.orchestration.due_trigger import DueTrigger
from duban.orchestration.inbox_trigger import InboxTrigger

if TYPE_CHECKING:
    from duban.orchestration.dbt import Build

#: Files in the inbox. The watcher lives in the triggerer and looks four times a second; nothing is polled by runs.
INBOX = Asset(name="inbox", uri="duban://inbox", group="duban", watchers=[AssetWatcher(name="inbox_watcher", trigger=InboxTrigger())])


def _due(name: str, question: str) -> Asset:
    """An asset that has an event while something is due and nobody does it."""
    return Asset(
        name=name, uri=f"duban://{name}", group="duban", watchers=[AssetWatcher(name=f"{name}_watcher", trigger=DueTrigger(question))]
    )


#: Large files that were claimed.
LARGE_FILES = _due("large_files", "large")
#: Deliveries that can go.
OUTBOX = _due("outbox", "deliveries")
#: Accepted rows that no build holds although nobody judges or builds: the event of RAW was lost.
UNBUILT = _due("unbuilt", "build")
#: A build that no page shows: the event of MARTS was lost.
UNSHOWN = _due("unshown", "page")
#: New rows in `raw`.
RAW = Asset(name="raw", uri="duban://warehouse/raw", group="duban")
#: A build of the marts that succeeded.
MARTS = Asset(name="marts", uri="duban://warehouse/marts", group="duban")
#: The live ranking page.
LIVE_RANKING = Asset(name="live_ranking", uri="duban://site/live_ranking", group="duban")
#: New issues in `published`, or copies of them in the outbox.
PUBLICATIONS = Asset(name="publications", uri="duban://warehouse/published", group="duban")
#: Through it the intake announces RAW only when rows were accepted.
ACCEPTED_ROWS = AssetAlias("accepted_rows", group="duban")
#: Files and what became of them: to look at, nothing is scheduled by it. Its events come through an alias, since most runs have none.
SUBMISSIONS = Asset(name="submissions", uri="duban://warehouse/submissions", group="duban")
JUDGED_FILES = AssetAlias("judged_files", group="duban")
#: Through it a build shows each mart that it made, as an asset of its own: `marts.fct_problems`.
BUILT_MARTS = AssetAlias("built_marts", group="duban")
#: A larger batch has one event per unit: a hundred take a second, and a thousand lines are no overview.
MOST_FILES_ONE_BY_ONE = 100


def announce_files(outlet_events: Any, unbuilt: int, files: Sequence[Mapping[str, Any]]) -> None:
    """Say that rows wait for the marts, and what became of the files of this run: one event per file, in a larger batch one per unit.

    Args:
        outlet_events: Of the task, which has ACCEPTED_ROWS and JUDGED_FILES as outlets.
        unbuilt: Accepted submissions that the marts do not hold yet.
        files: As `duban.warehouse.submissions.judged_after` returns them.
    """
    if unbuilt:
        outlet_events[ACCEPTED_ROWS].add(RAW, extra={"unbuilt_submissions": unbuilt})
    for extra in files if len(files) <= MOST_FILES_ONE_BY_ONE else _by_unit(files):
        outlet_events[JUDGED_FILES].add(SUBMISSIONS, extra=dict(extra))


def _by_unit(files: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One line per unit: how many files had each outcome, and the sums of their rows."""
    units: dict[str, dict[str, Any]] = {}
    for file in files:
        line = units.setdefault(file["unit_code"], {name: file[name] for name in ("unit_code", "unit_name")} | {"files": {}})
        line["files"][file["outcome"]] = line["files"].get(file["outcome"], 0) + 1
        for name in ("rows", "accepted", "rejected", "ignored"):
            line[name] = line.get(name, 0) + file[name]
    return list(units.values())


def announce_build(outlet_events: Any, build: Build) -> None:
    """Say which build the marts are of, and of each mart how many rows were written in what time.

    Args:
        outlet_events: Of the task, which has MARTS and BUILT_MARTS as outlets.
        build: What dbt did.
    """
    outlet_events[MARTS].extra = {"build_id": build.build_id, "models": len(build.models), "tests": build.test_count}
    for model in build.models:
        if model.schema == "marts":
            asset = Asset(name=f"marts.{model.name}", uri=f"duban://warehouse/marts/{model.name}", group="duban")
            extra = {"build_id": build.build_id, "rows_written": model.rows, "seconds": round(model.seconds, 2)}
            outlet_events[BUILT_MARTS].add(asset, extra=extra)
