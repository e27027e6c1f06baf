"""Who may know what: the boundaries between the parts of the package, read from the source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.imports import PACKAGES, circles, graph, imports

PACKAGE = PACKAGES["duban"]
MODULES = sorted(PACKAGE.rglob("*.py"))
#: Rooms whose work is the same for every ledger.
LEDGERLESS = {"intake", "quality", "warehouse", "orchestration"}
HEADS = [path.read_text(encoding="utf-8") for path in sorted((PACKAGE.parents[1] / "expectations").glob("*/rules.yml"))]
#: The floors of the house, from the ground: a module knows its own room and the floors below.
FLOORS = (
    {"settings"},
    {"calendar_seed", "durable", "row_rules", "statements", "text"},
    {"ledgers"},
    {"warehouse"},
    {"access", "divisions", "outbox", "working_calendar"},
    {"intake"},
    {"quality"},
    {"watching"},
    {"publishing"},
    {"orchestration"},
    {"install"},
)


def reads_environment(path: Path) -> bool:
    """True when a file looks up an environment variable."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        is_environ = isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
        if is_environ and path.name != "dbt.py":
            return True
    return False


def test_no_room_below_the_publications_knows_a_ledger_by_name():
    """A ledger is its folder: what is true of one of them alone is said there."""
    named = re.compile(r"""["'](problems|funds|projects|visits)["']|(problem|fund_movement|project|visit)_versions""")
    rooms = [path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".sql"} and {*path.parts} & LEDGERLESS]
    titles = [line.removeprefix("title: ") for head in HEADS for line in head.splitlines() if line.startswith("title: ")]
    assert len(rooms) > 50 and len(titles) >= 4
    assert [
        f"{path.relative_to(PACKAGE)}: {found}"
        for path in rooms
        for text in [path.read_text(encoding="utf-8")]
        for found in [*(match[0] for match in named.finditer(text)), *(title for title in titles if title in text)]
    ] == []


def test_there_are_modules_to_look_at():
    assert len(MODULES) > 20


def test_only_orchestration_imports_airflow():
    assert [
        path for path in MODULES if "orchestration" not in path.parts and any(name.startswith("airflow") for name in imports(path))
    ] == []


def test_only_settings_reads_the_environment():
    assert [path.name for path in MODULES if reads_environment(path)] == ["settings.py"]


def test_no_import_runs_up():
    arrows = graph("duban")
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    of = {module: module.split(".")[1] for module in arrows if module != "duban"}
    assert set(of.values()) == set(floor)
    assert [
        f"{module} imports {other}"
        for module, others in arrows.items()
        for other in others & of.keys()
        if of[module] != of[other] and floor[of[module]] <= floor[of[other]]
    ] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_leads_back(package):
    assert list(circles(graph(package))) == []


def test_a_room_below_knows_nothing_of_the_operator():
    assert [path.name for path in MODULES if any(name.split(".")[0] == "local" for name in imports(path))] == []


def test_what_opens_hostile_files_is_only_opened_in_the_sandbox():
    parsers = ("python_calamine", "xlrd", "olefile", "zipfile", "defusedxml", "openpyxl.load_workbook")
    # the documents that are published are packed, never unpacked, here
    readers = {path.name for path in MODULES if "documents" not in path.parts and any(name.startswith(parsers) for name in imports(path))}
    assert readers == {"workbook_xls.py", "workbook_xlsx.py", "workbook_xml.py", "return_slip.py"}
    callers = {
        path.name
        for path in MODULES
        for name in imports(path)
        if name.startswith(("duban.intake.reader.", "duban.intake.workbook_", "duban.intake.csv_file.", "duban.quality.return_slip."))
    }
    assert callers <= {"return_slip.py", "reader.py", "workbook_xlsx.py"}


@pytest.mark.parametrize("child", ["duban.intake.reader", "duban.quality.return_slip"])
def test_a_child_of_the_sandbox_starts_light(child):
    """It starts with every batch and opens hostile files: no data frames, no gate, no Airflow, no driver of the database."""
    script = f"import {child}, sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(PACKAGE.parent)}, capture_output=True, text=True, check=True
    )
    assert set(run.stdout.split()) & {"pandas", "great_expectations", "airflow", "dbt", "psycopg", "sqlalchemy"} == set()
