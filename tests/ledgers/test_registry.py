"""No ledger of `expectations/` is forgotten by the tests: each complaint names the ledger and the place where it is missing."""

from __future__ import annotations

from random import Random

import yaml

from local.sample.daily import build_groups, build_senders
from tests.expectations.file_cases import FILE_PAIRS
from tests.fuzz.ledgers import SENDERS, UTF8, clean_file
from tests.integration.canaries import Seeds, files_of
from tests.ledgers import EXPECTATIONS, IDENTITIES, LEDGERS, ROWS, Entry
from tests.oracle.columns import KINDS


def declared(rules: str) -> set[str]:
    """Rule ids of a file of rules; findings are among them."""
    said = yaml.load((EXPECTATIONS / rules / "rules.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
    return {rule["id"] for name in ("rules", "findings") for rule in said.get(name, ())}


def test_no_ledger_is_forgotten():
    """Every test that speaks of all ledgers takes them from one of these places."""
    fuzzed = {
        sheet.ledger for sender in SENDERS for ledger in sender.ledgers for sheet in clean_file(Random(0), 1, sender, UTF8, ledger).sheets
    }
    senders = build_senders(1)
    sampled = {ledger for sender in (*senders, *build_groups(senders, 1)) for ledger, items in sender.items.items() if items}
    known = {path.stem for path in ROWS.glob("*.yml")}
    places = {
        "tests/ledgers/<ledger>.yml: nobody sends it in any test of rules, slips and templates": lambda ledger: ledger.name in known,
        "tests/oracle/columns.yml: nobody judges it independently": lambda ledger: ledger.title in KINDS,
        "tests/integration/canaries.py: its personal data is not searched for": lambda ledger: unseeded(ledger) == [],
        "tests/fuzz/ledgers.py: no sender of the fuzz sends it": lambda ledger: ledger.title in fuzzed,
        "local/sample: it is demanded, and the sample district lacks it": lambda ledger: not ledger.is_demanded or ledger.title in sampled,
    }
    assert [
        f"{ledger.title} is missing in {place}" for ledger in LEDGERS.values() for place, has in places.items() if not has(ledger)
    ] == []
    assert known == {ledger.name for ledger in LEDGERS.values()}, "tests/ledgers/ speaks of ledgers that expectations/ does not have"


def test_every_column_that_names_persons_says_whose():
    """What is not marked as personal is searched for nobody: `yes` for people of households, `officials` for people in their office."""
    whose = {"person": ("yes", "officials"), **dict.fromkeys(IDENTITIES, ("yes",))}
    unsaid = [
        f"expectations/{ledger.name}/columns.csv: {column.title}"
        for ledger in LEDGERS.values()
        for column in ledger.columns
        if column.personal not in whose.get(column.type, ("", "yes", "officials"))
    ]
    assert unsaid == []


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


def unseeded(ledger: Entry) -> list[str]:
    """Titles of the columns into which the files that are searched for personal data put nobody."""
    seeds = Seeds()
    list(files_of(ledger, seeds, ledger.units[0]))
    seeded = {canary.place.removesuffix(", wrong").removesuffix(", text") for canary in seeds.all}
    return [title for title in ledger.titles if f"{ledger.title}: {title}" not in seeded]
