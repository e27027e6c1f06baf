"""What the documents name is there, links lead somewhere, and their lines can be read beside code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("bench", "dags", "dbt_project", "deploy", "docs", "expectations", "findings", "local", "tests")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))])
PATHS = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts] + [*ROOT.iterdir()]
WIDTH = 120
# Where a path that a document names may begin, besides the document's own folder.
BEGINNINGS = ("", "dags", "dags/duban", "dags/duban/publishing", "dbt_project", "dbt_project/models", "expectations", "tests")
# What a home or a release holds and the checkout does not.
ELSEWHERE = re.compile(r"(var|landing|inbox|outbox|postgres|site|dist)/|env\.sh$|warehouse\.sql$|docker-compose\.override\.yml$")
# What is added in an example.
EXAMPLES = {"fct_tasks"}
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*\.(?:py|sql|yml|csv|md|toml|txt|in|env|jinja)|[\w.-]+(?:/[\w.-]+)*/")
IN_FOLDERS = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./-]+")
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Lines of running text. A table has a row in each line; what is copied, a command or a query, stands as it is."""
    is_code = False
    for number, line in enumerate(text.splitlines(), 1):
        is_code ^= line.lstrip().startswith("```")
        if not is_code and not re.match(r"\||`[^`]+`[.;]?$", line):
            yield number, line


def without_code(text: str) -> str:
    return "\n".join(line for _, line in lines_of(text) if not line.lstrip().startswith("```"))


def anchors_of(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_lines_are_no_longer_than_those_of_code(document):
    long = [number for number, line in lines_of(document.read_text(encoding="utf-8")) if len(line) > WIDTH]
    assert long == [], f"lines of more than {WIDTH} characters"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document):
    broken = []
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", document.read_text(encoding="utf-8")):
        path = (document.parent / target).resolve() if target else document
        if not target.startswith(("http://", "https://")) and (
            not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors_of(path))
        ):
            broken.append(f"{target}#{anchor}" if anchor else target)
    assert broken == []


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path.name != "CHANGELOG.md"], ids=name_of)
def test_paths_that_are_named_exist(document):
    """A bare name of a file is that of one somewhere; a path begins at a folder that a reader knows."""
    names = {path.name for path in PATHS}
    missing = []
    for quoted in re.findall(r"`([^`\n]+)`", document.read_text(encoding="utf-8")):
        if PATH.fullmatch(quoted) and not ELSEWHERE.match(quoted):
            begins = [document.parent, *(ROOT / beginning for beginning in BEGINNINGS)]
            if not any((begin / quoted).exists() for begin in begins) and ("/" in quoted or quoted not in names):
                missing.append(quoted)
        missing += [word for word in quoted.split() if IN_FOLDERS.fullmatch(word) and not (ROOT / word).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_commands_that_are_named_exist(document):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = document.read_text(encoding="utf-8")
    called = set(re.findall(r"(?:`|^|    )make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert called - set(TARGET.findall(makefile)) == set()
    given = {name for call in re.findall(r"\bmake [a-z-]+((?: +\[?[A-Z_]+=[^\s`]*)+)", text) for name in re.findall(r"([A-Z_]+)=", call)}
    known = set(re.findall(r"\b[A-Z][A-Z_]+\b", makefile))
    assert given - known == set()
    modules = set(re.findall(r"-m ((?:local|bench|tests|duban)(?:\.\w+)*)", text))
    assert {name for name in modules if not ((at := ROOT / name.replace(".", "/")).is_dir() or at.with_suffix(".py").exists())} == set()


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path.name != "CHANGELOG.md"], ids=name_of)
def test_models_and_seeds_that_are_named_exist(document):
    named = set(re.findall(r"\b(?:stg|int|fct|dim|rpt|ref)_[a-z_]+[a-z]\b", without_code(document.read_text(encoding="utf-8"))))
    assert named - {path.stem for path in (ROOT / "dbt_project").rglob("*.*")} - EXAMPLES == set()
