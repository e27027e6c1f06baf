"""`make lint`: sqlfluff over the models and tests of the dbt project, as dbt compiles them, and the statements beside Python modules.

dbt compiles against a database, because models ask what stands in it. This one is made for the occasion and holds every mart, so that
the SQL of a build that adds to earlier ones is what is looked at. What macros return is compiled, but its style is not judged.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from duban.orchestration import dbt
from tests.conftest import open_server

ROOT = Path(__file__).resolve().parents[2]

#: Files that are no statement by themselves: a module puts them together.
FRAGMENTS = {"context.sql", "issue.sql", "issues_set_up.sql", "quality_files.sql", "simulate_days.sql", "simulate_ranks.sql"}


def lint_statements(sqlfluff: list[str | Path]) -> int:
    """The statements beside modules; migrations stay as they landed."""
    files = {path for package in ("dags", "local") for path in (ROOT / package).rglob("*.sql") if path.parent.name != "migrations"}
    fragments = {path for path in files if path.name in FRAGMENTS}
    if len(fragments) != len(FRAGMENTS):
        sys.exit(f"FRAGMENTS of {__file__} are not those that are there")
    config = ["--ignore-local-config", "--config", ROOT / "tests" / "dbt" / "statements.cfg"]
    return subprocess.run([*sqlfluff, *config, *sorted(files - fragments)], cwd=ROOT).returncode


def main() -> int:
    """Print what sqlfluff finds; returns its exit code. With the argument `fix` it mends what it can."""
    command = [Path(sys.executable).parent / "sqlfluff", *(sys.argv[1:] or ["lint"]), "--disable-progress-bar"]
    of_modules = lint_statements(command)
    with tempfile.TemporaryDirectory() as folder, open_server(Path(folder) / "server") as server:
        settings = replace(server.settings, warehouse_uri=server.copy_of("duban"))
        dbt.build(settings, "install")
        places = {"DBT_TARGET_PATH": str(Path(folder) / "target"), "DBT_LOG_PATH": folder}
        of_dbt = subprocess.run(
            [*command, "dbt_project/models", "dbt_project/tests"],
            cwd=ROOT,
            env=os.environ | dbt.connection_variables(settings) | places,
        ).returncode
    return of_modules or of_dbt


if __name__ == "__main__":
    sys.exit(main())
