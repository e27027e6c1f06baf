"""Who gets what: the table, as it was decided."""

import pytest

from duban.publishing.audience import WHO_GETS, Audience, Part, gets

DECIDED = """
               off  internal  leaders  townships
pages          -    x         x        x
persons        -    x         x        -
descriptions   -    x         x        -
submissions    -    x         -        -
quality        -    x         -        -
watch          -    x         -        -
documents      -    x         x        -
"""


def test_the_table_is_what_was_decided():
    header, *rows = DECIDED.strip("\n").splitlines()
    assert set(header.split()) == set(Audience) and {row.split()[0] for row in rows} == set(Part) == set(WHO_GETS)
    for row in rows:
        part, *marks = row.split()
        for audience, mark in zip(header.split(), marks, strict=True):
            assert gets(audience, Part(part)) == (mark == "x"), (part, audience)


@pytest.mark.parametrize("audience", ["", "INTERNAL", "everybody"])
def test_an_audience_that_nobody_knows_gets_nothing(audience):
    assert not any(gets(audience, part) for part in Part)
