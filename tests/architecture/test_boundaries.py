"""Who may know what: the boundaries between the parts of the package, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "dags" / "duban"
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module a file imports, at the top or inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def reads_environment(path: Path) -> bool:
    """True when a file looks up an environment variable."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        is_environ = isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
        if is_environ and path.name != "dbt.py":
            return True
    return False


def test_there_are_modules_to_look_at():
    assert len(MODULES) > 20


def test_only_orchestration_imports_airflow():
    assert [
        path for path in MODULES if "orchestration" not in path.parts and any(name.startswith("airflow") for name in imports(path))
    ] == []


def test_only_settings_reads_the_environment():
    assert [path.name for path in MODULES if reads_environment(path)] == ["settings.py"]


@pytest.mark.parametrize("forbidden", ["duban.quality", "duban.publishing", "duban.orchestration"])
def test_intake_knows_nothing_of_what_comes_after_it(forbidden):
    guilty = [path.name for path in MODULES if "intake" in path.parts and any(name.startswith(forbidden) for name in imports(path))]
    assert guilty == []


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
