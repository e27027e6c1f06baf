"""The places of the sample district: its real divisions, and the spellings of a village that clerks use."""

import csv
from dataclasses import dataclass
from pathlib import Path

DIVISIONS = Path(__file__).resolve().parents[2] / "dags" / "duban" / "reference" / "430902.csv"
OFFICE = "430902000"
DISTRICT_NAME = "资阳区"


@dataclass(frozen=True)
class Township:
    """A township with the plain names (石桥村, 石桥社区) of its villages."""

    code: str
    name: str
    villages: tuple[str, ...]


def plain_name(official: str) -> str:
    """The name without the committee: 左家仑村委会 is 左家仑村."""
    return official.replace("村民委员会", "村").replace("村委会", "村").replace("居委会", "")


def read_townships(path: Path = DIVISIONS) -> dict[str, Township]:
    """The townships of the district by code, from the divisions the project registers."""
    names: dict[str, str] = {}
    villages: dict[str, list[str]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line in csv.DictReader(file):
            names[line["township_code"]] = line["township_name"]
            villages.setdefault(line["township_code"], []).append(plain_name(line["village_name"]))
    return {code: Township(code, names[code], tuple(villages[code])) for code in sorted(names)}


def spelled(village: str, form: str) -> str:
    """A village as a clerk writes it.

    Args:
        village: the plain name.
        form: `short` the plain name, `committee` with 村委会 or 居委会, `long` with 村民委员会 or 居民委员会.
    """
    if form == "short":
        return village
    if village.endswith("村"):
        return village.removesuffix("村") + {"committee": "村委会", "long": "村民委员会"}[form]
    return village + {"committee": "居委会", "long": "居民委员会"}[form]
