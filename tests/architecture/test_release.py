"""What says which version this is agrees. A changelog that begins with a version and not with `Unreleased` is about to be tagged."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_version_is_said_once_and_its_migrations_are_closed():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    is_open = headings[0] == "Unreleased"
    versions = headings[is_open:]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions), versions
    assert versions == sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)
    assert tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"] == versions[0]
    if not is_open:
        listed = (ROOT / "tests" / "fixtures" / "releases" / "migrations.sha256").read_text(encoding="ascii").split()[1::2]
        assert sorted(listed) == sorted(path.name for path in (ROOT / "dags" / "duban" / "migrations").glob("*.sql"))
