"""What we are made of: pinned with hashes, listed with licences, and asked about where a list can be asked."""

from __future__ import annotations

import importlib.metadata
import json
import re
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local.dependencies import packages as dependencies
from local.dependencies.packages import LIST, LOCKS, NO_LIST, PROJECT, NotAccepted, Package, audit, is_accepted, licence_of, read_locks
from tests.conftest import free_ports

PACKAGES = read_locks()


def test_every_pinned_version_has_a_hash():
    for lock in LOCKS:
        blocks = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", (PROJECT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE))
        assert (
            blocks
            and [block.split("\n")[0] for block in blocks if not re.match(r"\S+==\S+.*\\\n +--hash=sha256:[0-9a-f]{64}", block)] == []
        )


def test_the_list_is_what_make_licences_writes():
    """Versions are those of the lock files; a licence is compared where the first version that is pinned is installed here."""
    listed = {
        line.split(" | ")[0][2:]: line for line in LIST.read_text(encoding="utf-8").splitlines() if re.match(r"\| [a-z0-9]\S* \| \d", line)
    }
    assert len(PACKAGES) > 200 and list(listed) == [package.name for lock in LOCKS for package in PACKAGES if package.lock == lock]
    licences = {name: line.split(" | ")[2] for name, line in listed.items()}
    installed = {distribution.name.lower().replace("_", "-"): distribution.version for distribution in importlib.metadata.distributions()}
    compared = [package.name for package in PACKAGES if installed.get(package.name) == package.versions[0]]
    assert len(compared) > 190 and {name: licences[name] for name in compared} == {name: licence_of(name) for name in compared}
    assert dependencies.render(PACKAGES, licences, dependencies.asked_for()) == LIST.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-2.0-or-later", True),
        ("MIT AND GPL-2.0-or-later", False),
        ("MIT, GPL-2.0-or-later", False),
        ("(MIT AND Zlib) OR Proprietary", True),
        ("UNKNOWN", False),
        ("", False),
    ],
)
def test_accepted_licences(expression, accepted):
    assert is_accepted(expression) is accepted


@pytest.mark.parametrize(
    ("licence", "purposes", "words"),
    [
        ("GPL-3.0-only", {}, "agate: the licence GPL-3.0-only is not accepted"),
        ("MIT", {"agate": ""}, "agate: say behind it why it is here"),
    ],
)
def test_what_a_person_must_decide_is_named(licence, purposes, words):
    with pytest.raises(NotAccepted, match=words):
        dependencies.render([Package("agate", ("1",), "requirements.txt")], {"agate": licence}, purposes)


def test_a_licence_that_is_not_told_is_no_licence(monkeypatch):
    class Silent(dict):
        def get_all(self, name):
            return ["License :: OSI Approved", "Topic :: Internet"]

    monkeypatch.setattr(importlib.metadata, "metadata", lambda name: Silent())
    with pytest.raises(NotAccepted, match="pandas does not say its licence"):
        licence_of("pandas")
    assert licence_of("pyyaml-ft") == "MIT"


# ── vulnerabilities: the real pip-audit asks a list on this machine ──────────────────────────────────────────────────────


class Vulnerabilities:
    """A list that answers as OSV does: what it knows by name and version, and how often it was asked."""

    def __init__(self):
        self.known = {dependencies.CANARY: "GHSA-8r7q-cvjq-x353"}
        self.asked: list[tuple[str, str]] = []
        self.is_broken_after = 10_000
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}/v1/query"
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                pin = (question["package"]["name"], question["version"])
                service.asked.append(pin)
                if len(service.asked) > service.is_broken_after:
                    self.send_error(500)
                    return
                affected = [
                    {"package": {"name": pin[0], "ecosystem": "PyPI"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "99.0"}]}]}
                ]
                found = [{"id": service.known[pin], "summary": "bad", "affected": affected}] if pin in service.known else []
                body = json.dumps({"vulns": found} if found else {}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def audit(self, packages=PACKAGES) -> int:
        return audit(packages, services=("osv",), options=("--osv-url", self.url))


@pytest.fixture
def vulnerabilities(monkeypatch) -> Iterator[Vulnerabilities]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    service = Vulnerabilities()
    yield service
    service.server.shutdown()
    service.server.server_close()


def test_nothing_known_about_any_pinned_version(vulnerabilities, capsys):
    assert vulnerabilities.audit() == 0
    pins = {(package.name, version) for package in PACKAGES for version in package.versions}
    assert set(vulnerabilities.asked) == pins | {dependencies.CANARY} and len(pins) > len(PACKAGES)
    assert f"{len(pins)} pinned versions, no known vulnerability (osv)" in capsys.readouterr().out


def test_a_known_vulnerability_fails(vulnerabilities, capsys, monkeypatch):
    # also of a version that is not for this Python
    [numpy] = [package for package in PACKAGES if package.name == "numpy"]
    vulnerabilities.known["numpy", numpy.versions[-1]] = "GHSA-xxxx-yyyy-zzzz"
    assert vulnerabilities.audit([numpy]) == 1
    assert f"VULNERABLE: numpy {numpy.versions[-1]}: GHSA-xxxx-yyyy-zzzz; fixed in 99.0" in capsys.readouterr().err
    # what was decided holds until its day
    decisions = {"GHSA-xxxx-yyyy-zzzz": (date.today(), "we never load it")}
    monkeypatch.setattr(dependencies, "NOT_OURS", decisions)
    assert vulnerabilities.audit([numpy]) == 0 and "we never load it" in capsys.readouterr().out
    decisions["GHSA-xxxx-yyyy-zzzz"] = (date.today() - timedelta(days=1), "we never load it")
    assert vulnerabilities.audit([numpy]) == 1


def test_a_list_that_knows_nothing_is_no_list(vulnerabilities, capsys):
    vulnerabilities.known.clear()
    assert vulnerabilities.audit() == NO_LIST
    assert vulnerabilities.asked == [dependencies.CANARY]
    assert "NOT CHECKED" in capsys.readouterr().err


def test_a_list_that_breaks_off_is_no_list(vulnerabilities, capsys):
    vulnerabilities.is_broken_after = 1
    assert vulnerabilities.audit(PACKAGES[:1]) == NO_LIST
    assert "osv stopped answering" in capsys.readouterr().err


def test_a_list_that_is_not_there(vulnerabilities, capsys):
    url = f"http://127.0.0.1:{free_ports(1)[0]}/v1/query"
    assert dependencies.main(["audit", "--osv-url", url]) == NO_LIST
    assert "osv does not answer" in capsys.readouterr().err


def test_what_an_update_changed():
    before = [Package("a", ("1",), ""), Package("b", ("1", "2"), ""), Package("gone", ("1",), "")]
    after = [Package("a", ("1",), ""), Package("b", ("1", "3"), ""), Package("new", ("1",), "")]
    assert dependencies.differences(before, after) == ["b: 1, 2 → 1, 3", "gone: 1 → gone", "new: new → 1"]
