"""`make lint`: sqlfluff over the models and tests of the dbt project, as dbt compiles them.

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


def main() -> int:
    """Print what sqlfluff finds; returns its exit code. With the argument `fix` it mends what it can."""
    with tempfile.TemporaryDirectory() as folder, open_server(Path(folder) / "server") as server:
        settings = replace(server.settings, warehouse_uri=server.copy_of("duban"))
        dbt.build(settings, "install")
        places = {"DBT_TARGET_PATH": str(Path(folder) / "target"), "DBT_LOG_PATH": folder}
        command = [Path(sys.executable).parent / "sqlfluff", *(sys.argv[1:] or ["lint"]), "--disable-progress-bar"]
        return subprocess.run(
            [*command, "dbt_project/models", "dbt_project/tests"],
            cwd=ROOT,
            env=os.environ | dbt.connection_variables(settings) | places,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
