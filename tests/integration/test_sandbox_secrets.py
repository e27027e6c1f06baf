"""A child that a file has taken over: what it may try and is refused, what it says that is no answer, and what it must have with it."""

from __future__ import annotations

import os
import pickle
import platform
import socket
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import psutil
import pytest

from duban.intake import limits
from duban.intake.sandbox import ChildFailed, Job, Sandbox
from tests.bad_input import cases
from tests.bad_input.excessive_files import EXCESSIVE
from tests.fuzz.ledgers import EXPECTATIONS, SEEDS
from tests.fuzz.mutations import mutated
from tests.fuzz.reading import bases
from tests.integration import naughty_reader

PROJECT = Path(__file__).parents[2]
NAUGHTY = "tests.integration.naughty_reader"


@pytest.fixture(autouse=True)
def _where_the_naughty_reader_is_found(monkeypatch):
    monkeypatch.chdir(PROJECT)


def asked(folder: Path, *words: str, children: int = 1) -> list:
    """What a child answers to each word of command; one after the other."""
    jobs = []
    for number, word in enumerate(words):
        path = folder / str(number)
        path.write_text(f"{word.partition('-')[0]}!{word.partition('-')[2]}", encoding="ascii")
        jobs.append(Job({}, path, 3))
    with Sandbox(NAUGHTY, children=children) as sandbox:
        return list(sandbox.map(jobs))


@pytest.fixture
def reached(tmp_path):
    """What came of every attempt to reach out, and the secret that must still be what it was."""
    secret = tmp_path / "secrets" / "duban"
    secret.parent.mkdir()
    secret.write_text("geheim", encoding="ascii")
    with socket.create_server(("127.0.0.1", 0)) as listener, Sandbox(NAUGHTY, children=1) as sandbox:
        facts = {"parent": os.getpid(), "secret": str(secret), "folder": str(tmp_path), "port": listener.getsockname()[1]}
        [answer] = sandbox.map([Job({"reach": facts})])
        # from here each of them can be done, so that a refusal is the sandbox's doing
        outside = naughty_reader.attempts(**facts)
        assert naughty_reader.said(outside["read a secret"]) == "done: geheim"
        assert naughty_reader.said(outside["connect"]).startswith("done")
        yield answer
    assert secret.read_text(encoding="ascii") == "geheim" and sorted(tmp_path.iterdir()) == [secret.parent]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of system calls are those of x86-64")
def test_a_child_can_reach_nothing(reached):
    assert len(reached) > 40
    assert {name: what for name, what in reached.items() if what != "PermissionError"} == {}


def test_a_child_inherits_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("DUBAN_HMAC_KEY", "geheim")
    secret = tmp_path / "secret"
    secret.write_text("geheim", encoding="ascii")
    with open(secret, encoding="ascii") as file:
        os.set_inheritable(file.fileno(), True)
        [answer] = asked(tmp_path, "KNOWN")
    assert answer["env"] == ["LANG", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"] + [name for name in answer["env"] if name == "LC_CTYPE"]
    assert not any("geheim" in value for value in answer["path"])
    assert answer["files"] == [2]  # /dev/null, where its last words go; its pipes have no position


def test_answers_keep_their_order_and_a_child_that_dies_costs_one(tmp_path):
    answers = asked(tmp_path, "KNOWN", "DIE", "KNOWN", "FLOOD", "KNOWN", children=2)
    assert [isinstance(answer, ChildFailed) for answer in answers] == [False, True, False, True, False]


@pytest.mark.parametrize("nonsense", ["words", "depth", "list"])
def test_what_is_no_answer_costs_one_file(tmp_path, nonsense):
    first, second = asked(tmp_path, f"BABBLE-{nonsense}", "KNOWN")
    assert isinstance(first, ChildFailed) and first.rule_id == "S01" and "env" in second


def test_nobody_waits_for_a_child_that_reads_no_more(tmp_path):
    large = tmp_path / "large"
    large.write_bytes(bytes(4 << 20))
    with Sandbox(NAUGHTY, (Path("deaf"),), children=1) as sandbox:
        [answer] = sandbox.map([Job({}, large, 2)])
    assert isinstance(answer, ChildFailed) and answer.rule_id == "S10"


def test_a_child_keeps_nothing_of_one_file_for_the_next(tmp_path):
    assert asked(tmp_path, "NOTE", "NOTE", "NOTE") == [{"notes": [0]}] * 3


def test_a_child_has_the_memory_that_it_may_have_and_no_more(tmp_path):
    [answer] = asked(tmp_path, "GREED")
    assert isinstance(answer, ChildFailed) and answer.rule_id == "S10"


# A program of its own, to be killed while its child hangs.
HANGING = f"""
import sys
from pathlib import Path
from duban.intake.sandbox import Job, Sandbox
with Sandbox("{NAUGHTY}", children=1) as sandbox:
    list(sandbox.map([Job({{}}, Path(sys.argv[1]), 60)]))
"""


def test_a_child_that_hangs_ends_with_whoever_waited_for_it(tmp_path):
    word = tmp_path / "word"
    word.write_bytes(b"HANG!")
    with subprocess.Popen([sys.executable, "-c", HANGING, word], env={"PYTHONPATH": "dags"}) as asking:
        end = time.monotonic() + 30
        while len(children := psutil.Process(asking.pid).children(recursive=True)) < 2:  # the nursery and the child
            assert time.monotonic() < end and asking.poll() is None
            time.sleep(0.05)
        asking.kill()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_what_is_too_large_is_not_even_opened(tmp_path, monkeypatch):
    large = tmp_path / "large"
    large.write_bytes(b"KNOWN!" + bytes(100))
    monkeypatch.setattr(limits, "MAX_BYTES", 100)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read"))
    with Sandbox(NAUGHTY, children=1) as sandbox:
        answers = list(sandbox.map([Job({}, large), Job({}, tmp_path / "gone")]))
    assert [(answer.rule_id, "MB" in str(answer)) for answer in answers] == [("S10", True), ("S01", False)]


# A program of its own: it must know nothing but what a child knows when it is closed. `hook` notes what a closed child could not do.
LATER = """
import pickle, sys
from duban.intake import reader, sandbox
from duban.quality import return_slip

handlers = [sandbox.prepared(module.prepare, sys.argv[2:]) for module in (reader, return_slip)]
noted = set()

def hook(event, arguments):
    if event in {"import", "open", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rename", "tempfile.mkstemp", "socket.__new__"}:
        noted.add((event, str(arguments[0])))

receipt = dict.fromkeys(("submission_id", "unit_name", "unit_code", "file_name", "outcome_text", "next_step"), "字") | {
    "report_on": None, "received_at": "2020-06-24T08:00:00", "counts": dict.fromkeys(("row", "accepted", "rejected", "ignored"), 0),
    "rejections_not_listed": 0, "findings": [], "findings_not_listed": 0}
contents = pickle.load(open(sys.argv[1], "rb"))
sys.addaudithook(hook)
slips = 0
for content in contents:
    answer = handlers[0]({"unit_code": "430902104", "on": "2020-06-24"}, content)
    tables = [{"sheet": table["sheet"], "header_row": table["header_row_no"], "pictures": []} for table in answer["tables"]]
    told = {"reason": "原因", "how_to_fix": "改法", "value_masked": None, "rule_id": "R02", "ledger": "", "column_name": "列", "row_no": 2}
    marks = [told | {"sheet": table["sheet"], "cell": "B2"} for table in tables]
    read_as = {"kind": answer["kind"], "tables": tables, "skipped_sheets": []}
    slips += bool(handlers[1]({"receipt": receipt | {"read_as": read_as, "rejections": marks}, "keeps_format": True}, content)["content"])
print(slips, *sorted(noted), sep="\\n")
"""


def test_a_child_needs_nothing_later(tmp_path):
    """All imports and files that reading and writing need are there before a child is closed: on right, wrong and excessive files."""
    rng, right = Random(7), bases()
    contents = [content for _, content in right]
    contents += [
        mutated(kind, content, [(rng.randrange(1000), rng.getrandbits(32))]) for kind, content in (rng.choice(right) for _ in range(60))
    ]
    for group in (cases.encodings, cases.layouts, cases.typed_values, cases.containers, cases.senders):
        contents += [case.content for case in group()]
    contents += [file.content for file in EXCESSIVE]
    files = tmp_path / "contents"
    files.write_bytes(pickle.dumps(contents))
    environment = {"PYTHONPATH": str(PROJECT / "dags"), "LANG": "C.UTF-8"}
    command = [sys.executable, "-s", "-W", "ignore", "-c", LATER, str(files), str(EXPECTATIONS), str(SEEDS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True)
    slips, *noted = done.stdout.splitlines()
    assert int(slips) == len(contents) > 200 and noted == []
