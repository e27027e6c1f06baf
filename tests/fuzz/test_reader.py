"""The reader on changed bytes, in its real sandbox: every answer is a reading whose rows add up, or a rule and a reason, within seconds."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duban.intake.sandbox import Sandbox
from tests.fuzz.ledgers import EXPECTATIONS, SEEDS
from tests.fuzz.mutations import MUTATIONS, mutated
from tests.fuzz.reading import Reader, bases, slip_complaints

BASES = bases()
of_any_kind = st.sampled_from(list(MUTATIONS)).flatmap(lambda kind: st.sampled_from([base for base in BASES if base[0] == kind]))


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    # where the children find the tests
    with chdir(Path(__file__).parents[2]), Reader(tmp_path_factory.mktemp("reader")) as opened:
        yield opened


def test_right_bytes_are_read(reader):
    assert {kind for kind, _ in BASES} == set(MUTATIONS)
    before = reader.seen.get("read", 0)
    assert [said for _, content in BASES for said in reader.complaints(content)] == []
    assert reader.seen["read"] - before == len(BASES)


def test_changed_bytes_are_read_or_told(reader):
    before = dict(reader.seen)

    @settings(max_examples=700, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(of_any_kind, st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 2**32 - 1)), min_size=1, max_size=4))
    def holds(base, choices):
        assert reader.complaints(mutated(*base, choices)) == []

    holds()
    seen = {what: count - before.get(what, 0) for what, count in reader.seen.items()}
    # Worth something only if much is still read and much is not.
    assert min(seen["read"], seen["S01"]) > 100 and {"S02", "S10"} <= set(seen)
    # Nothing that is made here stops a reader: what does would stop other programs too.
    assert not any(what.startswith("child failed") for what in seen)


def test_slips_of_changed_files_hold_nothing_that_acts(reader, tmp_path):
    rng, looked_at = Random(3), 0
    with Sandbox("duban.quality.return_slip", (EXPECTATIONS, SEEDS), children=1) as slips:
        for kind, content in rng.sample(BASES, len(BASES)):
            changed = mutated(kind, content, [(rng.randrange(1000), rng.getrandbits(32))])
            assert reader.complaints(changed) == []
            if isinstance(reader.last, dict) and reader.last["kind"]:
                assert slip_complaints(slips, tmp_path, changed, reader.last) == []
                looked_at += 1
    assert looked_at > 10
