"""Each table has one writer: a module of `duban.warehouse`, which alone inserts into it, updates it and deletes from it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.architecture.imports import PACKAGES, ROOT, modules

SCHEMAS = ("ops", "raw", "personal", "quarantine", "published")
# the name of a table, or where it is put in
_WRITES = re.compile(rf"\b(?:insert into|update|delete from|truncate|copy)\s+((?:{'|'.join(SCHEMAS)})\.(?:\w+|\{{))", re.I)
#: dbt writes with its own connections: a build records itself, and what it read (dbt_project/macros).
BY_DBT = {"ops.builds"}
#: What is published is written with its issue alone: its line, the rows of each part (`{`: which table, is said while it runs), documents.
PUBLISHED = {
    "published.publications": {"duban.publishing.issues.freezing"},
    "published.{": {"duban.publishing.issues.freezing"},
    "published.documents": {"duban.publishing.issues.writing"},
}
#: What a round of judging appends, by COPY, to tables that are named while it runs: the ledgers', and these.
APPENDING = {
    "duban.quality.judging": {"ops.gate_results"},
    "duban.quality.loading": {"personal.original_rows", "quarantine.rejected_rows", "quarantine.findings"},
}


def texts(path: Path) -> list[str]:
    """Every text in a file, docstrings left out; of one with values in it, what stands between them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    ]


def writers() -> dict[str, set[str]]:
    """Table → the modules that hold a statement which changes it, or ask for one beside them; a file that none names stands for itself."""
    found, files = defaultdict(set), defaultdict(set)
    for package in ("duban", "local"):
        for module, path in modules(package).items():
            for text in texts(path):
                for table in _WRITES.findall(text):
                    found[table.lower()].add(module)
            for name in re.findall(r'\bstatement\(__file__, "(\w+)"\)', path.read_text(encoding="utf-8")):
                files[path.parent / f"{name}.sql"].add(module)
        for path in PACKAGES[package].rglob("*.sql"):
            if path.parent.name != "migrations":
                for table in _WRITES.findall(path.read_text(encoding="utf-8")):
                    found[table.lower()] |= files.get(path, {".".join(path.relative_to(PACKAGES[package].parent).parts)})
    return found


def test_each_table_has_one_writer_in_the_warehouse():
    found = writers()
    ours = {table: found[table] for table in found if not table.startswith("published.")}
    assert len(ours) > 15
    assert {table: names for table, names in ours.items() if len(names) > 1} == {}
    assert {table: names for table, names in ours.items() if not all(name.startswith("duban.warehouse.") for name in names)} == {}


def test_what_is_published_is_written_by_its_issue_alone():
    assert {table: names for table, names in writers().items() if table.startswith("published.")} == PUBLISHED


def test_rows_are_appended_by_judging_and_loading_alone():
    """`copy_rows` writes to whatever table it is told."""
    callers = defaultdict(set)
    for package in ("duban", "local"):
        for module, path in modules(package).items():
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "copy_rows":
                    callers[module] |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    assert callers == APPENDING
    assert not set().union(*APPENDING.values()) & writers().keys()


def test_dbt_writes_no_table_of_ours_but_its_builds():
    found = set()
    for path in sorted((ROOT / "dbt_project").rglob("*.sql")):
        found |= {table.lower() for table in _WRITES.findall(path.read_text(encoding="utf-8"))}
    assert found == BY_DBT
