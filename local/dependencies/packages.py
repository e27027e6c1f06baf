"""The packages this project is made of: their licences, known vulnerabilities, and the one way to update them all.

    python -m local.dependencies licences    # writes docs/dependencies.md; fails on a licence that is not accepted
    python -m local.dependencies audit       # fails on known vulnerabilities; 3: no list could be asked
    python -m local.dependencies update      # newest versions of everything, and what that changed

What is pinned is read from the lock files, whatever is installed; licences come from the metadata of what is installed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from local.dependencies.bootstrap import uv_environment

PROJECT = Path(__file__).resolve().parents[2]
LIST = PROJECT / "docs" / "dependencies.md"
LOCKS = {
    "requirements.txt": "the system itself",
    "requirements-deploy.txt": "containers only",
    "requirements-bootstrap.txt": "installs the rest",
    "requirements-dev.txt": "tests and lint only",
}
NO_LIST = 3

#: Licences under which a package may be used here, by SPDX identifier: permissive ones, and those whose copyleft ends at their own files.
ACCEPTED = frozenset(
    ("0BSD", "Apache-2.0", "Artistic-1.0-Perl", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "ISC", "LGPL-2.1-or-later",
     "LGPL-3.0-only", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib")
)  # fmt: skip
#: What packages call those licences that do not use the identifiers. “BSD” does not tell the number of its clauses.
SPELLINGS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-2.1-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
#: Where the metadata does not say it, or the package is not installed on every Python: read from the package itself.
LOOKED_UP = {
    "pyyaml-ft": "MIT",  # of Python 3.13 only
    "text-unidecode": "Artistic-1.0-Perl OR GPL-2.0-or-later",
}
#: Known vulnerabilities that do not touch us: identifier → (look again after this day, why). Empty is how it should be.
NOT_OURS: Mapping[str, tuple[date, str]] = {}
#: A version whose vulnerabilities every list knows: a list that does not know them would find nothing in anything.
CANARY, SERVICES = ("jinja2", "2.4.1"), ("osv", "pypi", "esms")


class NotAccepted(Exception):
    """Something about the dependencies that a person must decide; the message says what."""


@dataclass(frozen=True)
class Package:
    """A package of a lock file: its pinned versions (several where Pythons differ), and the file that first names it."""

    name: str
    versions: tuple[str, ...]
    lock: str


def read_locks(folder: Path = PROJECT) -> list[Package]:
    """Every pinned package, by name; of those that several lock files name, the first in the order of `LOCKS`."""
    found: dict[str, tuple[str, list[str]]] = {}
    for lock in LOCKS:
        for name, version in re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^\s;]+)", (folder / lock).read_text(encoding="utf-8"), re.MULTILINE):
            _, versions = found.setdefault(name, (lock, []))
            if version not in versions:
                versions.append(version)
    return [Package(name, tuple(versions), lock) for name, (lock, versions) in sorted(found.items())]


def asked_for(folder: Path = PROJECT) -> dict[str, str]:
    """The packages that our own requirement files name, and why each is here."""
    lines = "".join((folder / lock).with_suffix(".in").read_text(encoding="utf-8") for lock in LOCKS)
    return dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)[^#\n]*(?:# (.*))?$", lines, re.MULTILINE))


def licence_of(name: str, folder: Path | None = None) -> str:
    """The licence of a package as an SPDX expression; of one that is installed here, or in a folder.

    Raises:
        NotAccepted: its metadata does not say, or in words that `SPELLINGS` does not know.
    """
    if name in LOOKED_UP:
        return LOOKED_UP[name]
    try:
        metadata = (
            next(importlib.metadata.distributions(name=name, path=[str(folder)])).metadata if folder else importlib.metadata.metadata(name)
        )
    except (importlib.metadata.PackageNotFoundError, StopIteration):
        raise NotAccepted(f"{name} is not installed here: `make setup-dev` first, or add its licence to LOOKED_UP") from None
    classified = [entry.rpartition(" :: ")[2] for entry in metadata.get_all("Classifier") or () if entry.startswith("License :: ")]
    told = metadata.get("License-Expression") or ", ".join(
        sorted(SPELLINGS.get(entry, entry) for entry in classified if entry != "OSI Approved")
    )
    told = told or SPELLINGS.get(said := (metadata.get("License") or "").strip(), said)
    if not told or "\n" in told:
        raise NotAccepted(f"{name} does not say its licence in a line: read it, then add it to LOOKED_UP")
    return told


def is_accepted(expression: str) -> bool:
    """Whether a licence may be used: of alternatives one must be accepted, of joined and of merely listed ones all."""
    return any(all(part.strip(" ()") in ACCEPTED for part in re.split(" AND |, ", choice)) for choice in expression.split(" OR "))


def render(packages: Sequence[Package], licences: Mapping[str, str], purposes: Mapping[str, str]) -> str:
    """docs/dependencies.md.

    Raises:
        NotAccepted: a licence is not accepted, or a package we ask for has no purpose.
    """
    wrong = [f"{name}: the licence {licence} is not accepted" for name, licence in licences.items() if not is_accepted(licence)]
    wrong += [f"{name}: say behind it why it is here" for name, purpose in purposes.items() if not purpose]
    if wrong:
        raise NotAccepted("\n".join(wrong))
    about = (
        "Written by `make licences` from the lock files and the metadata of what they install; a test compares. Several versions: for "
        "several Pythons. Licences with a comma: the package lists them and does not say how they combine. "
        f"Accepted licences: {', '.join(sorted(ACCEPTED))}."
    )
    lines = ["# Dependencies", "", *textwrap.wrap(about, 120, break_on_hyphens=False)]
    for lock, what in LOCKS.items():
        of_lock = [package for package in packages if package.lock == lock]
        lines += ["", f"## {lock}: {what} ({len(of_lock)})", "", "| package | version | licence | why |", "|---|---|---|---|"]
        lines += [
            f"| {package.name} | {', '.join(package.versions)} | {licences[package.name]} | {purposes.get(package.name, '')} |"
            for package in of_lock
        ]
    return "\n".join(lines) + "\n"


def licences() -> int:
    """Write docs/dependencies.md; returns the exit code."""
    packages = read_locks()
    here = {distribution.name.lower().replace("_", "-").replace(".", "-") for distribution in importlib.metadata.distributions()}
    absent = [package for package in packages if package.lock == "requirements-deploy.txt" and package.name not in here]
    with tempfile.TemporaryDirectory() as folder:
        _unpack(absent, Path(folder))
        told = {package.name: licence_of(package.name, Path(folder) if package in absent else None) for package in packages}
    text = render(packages, told, asked_for())
    LIST.write_text(text, encoding="utf-8")
    print(f"{len(packages)} packages, every licence accepted: {LIST.relative_to(PROJECT)}")
    return 0


def _unpack(packages: Sequence[Package], folder: Path) -> None:
    """Install what only containers need into a folder, to read its metadata.

    Raises:
        NotAccepted: it could not be fetched.
    """
    if not packages:
        return
    lock = (PROJECT / "requirements-deploy.txt").read_text(encoding="utf-8")
    blocks = {block.partition("==")[0]: block for block in re.split(r"\n(?=[a-z0-9])", lock)}
    pins = folder / "pins.txt"
    # on which Python a package is needed does not change its licence
    wanted = [re.sub(r" ; [^\\\n]*", " ", blocks[package.name]) for package in packages]
    pins.write_text("\n".join(wanted) + "\n", encoding="utf-8")
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", folder, "--no-deps", "--require-hashes", "-r", pins]
    if subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, env=uv_environment()).returncode:
        raise NotAccepted("what only containers need could not be fetched to read its licences")


def audit(packages: Sequence[Package], services: Sequence[str] = SERVICES, options: Sequence[str] = ()) -> int:
    """Ask a list of known vulnerabilities about every pinned version.

    A list counts as reachable when it knows what is wrong with `CANARY`: a mirror of the package index answers that nothing is.

    Args:
        packages: What to ask about.
        services: Lists that pip-audit knows, the first that answers is asked.
        options: More for pip-audit.

    Returns:
        0: nothing known; 1: something is; `NO_LIST`: no list could be asked about everything, so nobody knows.
    """
    said = []
    for service in services:
        answer = _ask(service, [CANARY], options)
        if answer is None or not any(entry.get("vulns") for entry in answer):
            said.append(f"{service} {'does not answer' if answer is None else 'does not know what is known about ' + '=='.join(CANARY)}")
            continue
        found: list[dict] = []
        # One version of a package at a time: several are pinned for several Pythons.
        for number in range(max(len(package.versions) for package in packages)):
            pins = [(package.name, package.versions[number]) for package in packages if number < len(package.versions)]
            answer = _ask(service, pins, options)
            if answer is None or len(answer) < len(pins):
                break
            found += answer
        else:
            return _verdict(service, found)
        said.append(f"{service} stopped answering")
    print(f"NOT CHECKED: no list of known vulnerabilities can be reached from here ({'; '.join(said)}).", file=sys.stderr)
    print("Run `make audit` where one can, e.g. a mirror of OSV: `make audit OSV_URL=https://…/v1/query`.", file=sys.stderr)
    return NO_LIST


def _verdict(service: str, found: Sequence[Mapping]) -> int:
    skipped = [entry["name"] for entry in found if "skip_reason" in entry]
    known, set_aside = [], []
    for entry in found:
        for vulnerability in entry.get("vulns", ()):
            names = [vulnerability["id"], *vulnerability.get("aliases", ())]
            decided = [NOT_OURS[name] for name in names if name in NOT_OURS and NOT_OURS[name][0] >= date.today()]
            fixed = ", ".join(vulnerability.get("fix_versions") or ()) or "none yet"
            line = f"{entry['name']} {entry['version']}: {' '.join(names)}; fixed in {fixed}"
            (set_aside if decided else known).append(f"{line}; {decided[0][1]}" if decided else line)
    for line in set_aside:
        print(f"set aside: {line}")
    for line in known:
        print(f"VULNERABLE: {line}", file=sys.stderr)
    if known:
        print("Update (`make update`), or decide in local/dependencies/ (NOT_OURS) why it does not touch us.", file=sys.stderr)
        return 1
    if skipped:
        print(f"NOT CHECKED: {service} does not know {', '.join(skipped)}.", file=sys.stderr)
        return NO_LIST
    print(f"{len(found)} pinned versions, no known vulnerability ({service})")
    return 0


def _ask(service: str, pins: Sequence[tuple[str, str]], options: Sequence[str]) -> list[dict] | None:
    """What pip-audit says about versions, installing nothing; None: the service did not answer."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder, "asked.txt"), Path(folder, "answer.json")
        asked.write_text("".join(f"{name}=={version}\n" for name, version in pins), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--requirement",
            asked,
            "--disable-pip",
            "--no-deps",
            "--vulnerability-service",
            service,
        ]
        command += ["--format", "json", "--output", answer, "--progress-spinner", "off", "--cache-dir", Path(folder, "cache")]
        subprocess.run([*map(str, command), *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return json.loads(answer.read_text(encoding="utf-8"))["dependencies"] if answer.exists() and answer.stat().st_size else None


def differences(before: Sequence[Package], after: Sequence[Package]) -> list[str]:
    """What an update changed, one line per package."""
    old, new = ({package.name: ", ".join(package.versions) for package in packages} for packages in (before, after))
    return [
        f"{name}: {old.get(name, 'new')} → {new.get(name, 'gone')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def update() -> int:
    """Newest versions of everything that the requirement files leave open; installed, listed, asked about. Returns the exit code."""
    before = read_locks()
    for step in (["make", "lock", "UPGRADE=--upgrade"], ["make", "setup-dev"]):
        if subprocess.run(step, cwd=PROJECT).returncode:
            print(f"`{' '.join(step)}` failed; `git checkout requirements*.txt && make setup-dev` goes back.", file=sys.stderr)
            return 1
    changed = differences(before, read_locks())
    print("\n".join([f"{len(changed)} packages changed", *changed]))
    # In new processes: this one has the former packages loaded.
    codes = [subprocess.run([sys.executable, "-m", "local.dependencies", step], cwd=PROJECT).returncode for step in ("licences", "audit")]
    print("Now `make test`; then commit requirements*.txt and docs/dependencies.md together.")
    return max(codes)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.dependencies", description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=("licences", "audit", "update"))
    parser.add_argument("--osv-url", default="", help="audit: another place that answers as https://api.osv.dev/v1/query does")
    options = parser.parse_args(argv)
    try:
        if options.command == "licences":
            return licences()
        if options.command == "update":
            return update()
        own = {"services": ("osv",), "options": ("--osv-url", options.osv_url)} if options.osv_url else {}
        return audit(read_locks(), **own)
    except NotAccepted as error:
        print(error, file=sys.stderr)
        return 1
