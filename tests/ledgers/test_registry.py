"""No ledger of `expectations/` is forgotten by the tests: each complaint names the ledger and the place where it is missing."""

from __future__ import annotations

import yaml

from tests.expectations.file_cases import FILE_PAIRS
from tests.integration.canaries import Seeds, files_of, unseeded
from tests.ledgers import EXPECTATIONS, LEDGERS, ROWS
from tests.oracle.columns import KINDS


def declared(rules: str) -> set[str]:
    """Rule ids of a file of rules; findings are among them."""
    said = yaml.load((EXPECTATIONS / rules / "rules.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
    return {rule["id"] for name in ("rules", "findings") for rule in said.get(name, ())}


def test_every_ledger_is_known_to_the_tests():
    folders = {folder.parent.name for folder in EXPECTATIONS.glob("*/columns.csv")}
    known = {path.stem for path in ROWS.glob("*.yml")}
    assert folders - known == set(), "ledgers of expectations/ without <ledger>.yml in tests/ledgers/: nobody sends them in any test"
    assert known - folders == set(), "files in tests/ledgers/ of ledgers that expectations/ does not have"


def test_every_rule_has_a_row_that_keeps_it_and_one_that_breaks_it():
    of_files = {pair.rule_id for pair in FILE_PAIRS}
    of_rows = {rule for ledger in LEDGERS.values() for pair in ledger.pairs for rule, _ in pair.rejects}
    missing = [
        f"tests/ledgers/{ledger.name}.yml: no pair for {rule} at {column}"
        for ledger in LEDGERS.values()
        for rule, column in ledger.rules
        if not any((rule, column) in pair.rejects for pair in ledger.pairs)
    ]
    missing += [f"tests/ledgers: no pair for {rule}" for rule in sorted(declared("rows") - of_rows - of_files)]
    # W35 takes a slip: tests/integration/test_return_slips.py
    missing += [f"tests/expectations/file_cases.py: no pair for {rule}" for rule in sorted(declared("submissions") - of_files - {"W35"})]
    assert missing == []


def test_every_pair_names_columns_that_there_are():
    wrong = [
        f"tests/ledgers/{ledger.name}.yml: {pair.name}: {title}"
        for ledger in LEDGERS.values()
        for pair in ledger.pairs
        for title in {*pair.passes, *pair.fails, *(pair.twin or ()), *(column for _, column in pair.rejects)}
        if title not in ledger.titles
    ]
    assert wrong == []


def test_every_column_is_known_to_the_oracle():
    missing = [
        f"tests/oracle/columns.yml: {ledger.title} lacks {title}"
        for ledger in LEDGERS.values()
        for title in ledger.titles
        if title not in KINDS.get(ledger.title, ())
    ]
    assert missing == []


def test_somebody_who_does_not_exist_stands_in_every_column():
    """The search for personal data finds only what was put somewhere: test_canaries.py sends these files and searches."""
    for ledger in LEDGERS.values():
        seeds = Seeds()
        list(files_of(ledger, seeds, ledger.units[0]))
        assert unseeded(ledger, seeds) == [], f"tests/integration/canaries.py puts nobody into columns of {ledger.title}"
