"""docs/architecture.md speaks of what is there, and of every room."""

from __future__ import annotations

import re

from tests.architecture.imports import PACKAGES, ROOT
from tests.architecture.test_boundaries import FLOORS
from tests.architecture.test_writers import writers

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
#: Folders of the package that hold no module.
DATA = {"migrations", "reference"}


def test_every_path_it_names_is_there():
    named = set(re.findall(r"(?<![\w/.<>])(?:[\w.]+/)*[\w]+(?:\.(?:py|sql)\b|/(?![\w<]))", TEXT))
    roots = [ROOT, *(path for path in PACKAGES["duban"].rglob("*") if path.is_dir()), PACKAGES["duban"], ROOT / "dbt_project"]
    made = {"landing/", "run/"}  # folders of a home
    assert len(named) > 50
    assert {name for name in named - made if not any((root / name).exists() for root in roots)} == set()


def test_every_room_is_in_the_picture():
    picture = "".join(re.findall(r"^```\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
    rooms = {path.stem for path in PACKAGES["duban"].iterdir() if path.suffix != ".sql" and not path.name.startswith("__")} - DATA
    assert rooms == set().union(*FLOORS)
    assert {room for room in rooms if not re.search(rf"(?<![\w/]){room}(?:/|\.py)", picture)} == set()
    outside = {path.name for path in PACKAGES["local"].iterdir() if path.name not in ("__init__.py", "__pycache__")}
    assert {room for room in outside if not re.search(rf"local/{room}(?:/|$|\s)", picture, re.MULTILINE)} == set()


def test_the_writers_of_the_warehouse_are_named():
    names = {name.rpartition(".")[2] for found in writers().values() for name in found if name.startswith("duban.warehouse.")}
    assert len(names) > 8
    assert {name for name in names if f"`{name}.py`" not in TEXT} == set()
