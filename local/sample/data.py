"""The data files beside this code."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent


class _Loader(yaml.SafeLoader):
    """YAML whose lists are tuples: what is told stays as it is told."""


_Loader.add_constructor("tag:yaml.org,2002:seq", lambda loader, node: tuple(loader.construct_sequence(node, deep=True)))


def told(name: str) -> dict[str, Any]:
    """What a YAML file tells."""
    return yaml.load((FOLDER / name).read_text(encoding="utf-8"), _Loader)


@cache
def lines(name: str) -> list[dict[str, str]]:
    """The lines of a CSV file."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
