"""Killed before every single change that it makes, and done again."""

from __future__ import annotations

import signal

import pytest

from tests.conftest import open_office
from tests.faults.flows import FLOWS
from tests.faults.moments import changing

# An evening writes hundreds of pages, all in one way: of equal changes the first, the last and one between them are enough.
OF_A_KIND = {"intake": 1000, "evening": 3}


@pytest.mark.parametrize("name", FLOWS)
def test_killed_before_every_change_and_done_again(server, built, tmp_path, name):
    flow, template = FLOWS[name], {"evening": built}.get(name, "duban")

    def run(number: int | None) -> list[str]:
        with open_office(server, tmp_path / str(number) / "home", template=template) as office:
            flow.prepare(office)
            run = changing(lambda: flow.work(office), office.settings.home, before=number)
            assert run.exitcode == (-signal.SIGKILL if number else 0), run.changes[-1]
            flow.work(office)
            flow.check(office)
        return run.changes

    changes = run(None)
    numbers = chosen(changes, OF_A_KIND[name])
    assert len(numbers) > 40
    for count, number in enumerate(numbers, start=1):
        print(f"{name} {count}/{len(numbers)}: killed before change {number}, {changes[number - 1]}", flush=True)
        run(number)


def chosen(changes: list[str], of_a_kind: int) -> list[int]:
    """Numbers of changes, from 1: of each kind the first, the last and some between."""
    places: dict[str, list[int]] = {}
    for number, change in enumerate(changes, start=1):
        places.setdefault(change, []).append(number)
    return sorted(number for found in places.values() for number in {*found[:: max(1, len(found) // of_a_kind)], found[-1]})
