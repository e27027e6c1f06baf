"""`make docs`: write the documentation of the warehouse as one HTML file, which needs neither network nor server."""

from __future__ import annotations

import argparse
import json
import os

from duban.orchestration.dbt import connection_variables
from local.console import Console, Problem
from local.system import System, open_warehouse


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Write `$DUBAN_HOME/docs/index.html` anew, and say where it lies.

    Raises:
        Problem: the warehouse cannot be asked, or dbt could not describe it.
    """
    settings = system.installation.settings
    with open_warehouse(system):
        console.say("dbt reads the project and the warehouse")
    # dbt alone takes seconds to import.
    from dbt.cli.main import dbtRunner

    os.environ.update(connection_variables(settings))
    # A target of its own: the builds of a running system write theirs.
    target, logs = settings.home / "dbt" / "docs", settings.home / "dbt" / "logs"
    project = str(settings.dbt_project)
    # With statistics allowed the page would load a tracker from the network.
    command = ["--no-send-anonymous-usage-stats", "--quiet", "docs", "generate", "--static", "--project-dir", project]
    command += ["--profiles-dir", project, "--target-path", str(target), "--log-path", str(logs)]
    outcome = dbtRunner().invoke(command)
    if not outcome.success:
        raise Problem(f"dbt could not describe the warehouse ({outcome.exception or 'see its log'}); its log is {logs / 'dbt.log'}")
    page = settings.home / "docs" / "index.html"
    page.parent.mkdir(exist_ok=True)
    made = target / "static_index.html"
    html = made.read_text(encoding="utf-8")
    # Where this machine keeps its files is nothing for those whom the page is given to.
    for name, place in (("compiled_path", target), ("root_path", settings.dbt_project)):
        html = html.replace(f'"{name}": {json.dumps(str(place))[:-1]}', f'"{name}": "')
    made.write_text(html, encoding="utf-8")
    made.replace(page)
    console.show(str(page))
