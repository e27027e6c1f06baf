"""The inbox: which files wait, which of them are at rest, and taking them without losing or doubling one.

Files are taken in four steps, each safe to be the last: their bytes are copied into the landing area under their hashes; the claims
are committed; each file is renamed out of sight; it is unlinked. Whoever comes next finishes what was begun (`finish_removals`).
Senders can guess submission ids and write in their folders: the name out of sight ends in a token that nobody can know before, and what
lies under such a name is only deleted when it is the claimed file.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import shutil
import stat
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from duban import warehouse
from duban.durable import sync_filesystem
from duban.intake.words import mask_text, visible
from duban.settings import Settings
from duban.warehouse import NewClaim, Unit

log = logging.getLogger(__name__)
IGNORED_PREFIXES, IGNORED_SUFFIXES, IGNORED_NAMES = (".", "~$"), (".tmp", ".part", ".crdownload"), frozenset(["thumbs.db"])
REST_SECONDS = 1.0
UNREADABLE_SECONDS = 60.0
BATCH_FILES = 1000
_TAKEN_PREFIX = ".duban-taken-"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Look:
    """A file as seen at one moment. The same `signature` in two looks at least a second apart: the file is at rest."""

    path: Path
    unit_code: str
    size: int
    mtime_ns: int

    @property
    def signature(self) -> tuple[str, int, int]:
        """What must not change between two looks."""
        return (str(self.path), self.size, self.mtime_ns)


def look(inbox: Path, unit_codes: Collection[str]) -> dict[tuple[str, int, int], Look]:
    """Every file that waits in the folder of a registered unit, by signature. Folders of nobody are left alone."""
    looks = {}
    for folder in _folders(inbox):
        if folder.name not in unit_codes:
            continue
        for entry in _entries(folder):
            if is_ignored(entry.name):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # removed between the two calls: there will be another look
            if stat.S_ISREG(status.st_mode):
                seen = Look(Path(entry.path), folder.name, status.st_size, status.st_mtime_ns)
                looks[seen.signature] = seen
    return looks


def strangers(inbox: Path, unit_codes: Collection[str]) -> list[str]:
    """What lies in the inbox and is nobody's: folders that are no registered unit and hold something, and files in no folder.

    They are reported, never touched.
    """
    folders = [folder.name for folder in _folders(inbox) if folder.name not in unit_codes and _entries(folder)]
    files = [entry.name for entry in _entries(inbox) if entry.is_file(follow_symlinks=False) and not is_ignored(entry.name)]
    return sorted(map(_shown, folders + files))


def is_ignored(name: str) -> bool:
    """True for names that are never a submission: hidden and lock files, unfinished downloads, thumbnails."""
    lower = name.lower()
    return lower.startswith(IGNORED_PREFIXES) or lower.endswith(IGNORED_SUFFIXES) or lower in IGNORED_NAMES


def claim_files(conn: psycopg.Connection, settings: Settings) -> list[str]:
    """Take the files at rest, oldest first and one unit after the other, at most `BATCH_FILES`; returns their submission ids.

    A file that cannot be read is left for its sender to repair; after a minute it is taken as it is and judged.
    """
    with warehouse.claim_lock(conn):
        units = warehouse.registered_units(conn)
        stuck = finish_removals(conn, settings)
        first = {signature: seen for signature, seen in look(settings.inbox, units).items() if signature not in stuck}
        for name in strangers(settings.inbox, units):
            log.warning("inbox/%s is no registered unit and in no unit's folder; it is left alone", name)
        started = time.monotonic()
        copied = _land(_fair(first.values()), settings.landing)
        time.sleep(max(0.0, REST_SECONDS - (time.monotonic() - started)))
        second = look(settings.inbox, units)
        at_rest = [(seen, sha256) for seen, sha256 in copied if seen.signature in second]
        ids = warehouse.record_claims(conn, [_claim(seen, sha256, units, settings) for seen, sha256 in at_rest])
        finish_removals(conn, settings)
        return ids


def finish_removals(conn: psycopg.Connection, settings: Settings) -> set[tuple[str, int, int]]:
    """Remove from the inbox what is claimed, and only that: a file that was replaced meanwhile stays and is taken on its own.

    Returns:
        Signatures of claimed files that cannot be removed: they must not be taken a second time.
    """
    removed, stuck = {}, set()
    paths = {claim: settings.inbox / os.fsdecode(claim.inbox_path) for claim in warehouse.unremoved_claims(conn)}
    hidden = _hidden({path.parent for path in paths.values()})
    for claim, path in paths.items():
        if _remove(claim, path, hidden[path.parent, claim.submission_id], settings.landing):
            removed[claim.submission_id] = kept_path(claim.inbox_path)
        else:
            stuck.add((str(path), claim.file_size, claim.file_mtime_ns))
    warehouse.record_removed(conn, removed)
    return stuck


def _claim(seen: Look, sha256: str, units: Mapping[str, Unit], settings: Settings) -> NewClaim:
    return NewClaim(
        unit=units[seen.unit_code],
        inbox_path=os.fsencode(seen.path.relative_to(settings.inbox)),
        file_name=_shown(seen.path.name),
        file_sha256=sha256,
        file_size=seen.size,
        file_mtime_ns=seen.mtime_ns,
    )


def _shown(name: str | Path) -> str:
    """A name as others may see it: what is no text, or not to be seen, is escaped. Some clerks put identity numbers into names."""
    return mask_text(visible(os.fsencode(name).decode("utf-8", "backslashreplace")))


def kept_path(inbox_path: bytes) -> bytes:
    """What the warehouse keeps of a path below the inbox once the file is gone from there: numbers of persons are masked."""
    return os.fsencode(mask_text(os.fsdecode(inbox_path)))


def _fair(looks: Iterable[Look]) -> list[Look]:
    """The oldest file of each unit, then the second oldest of each, …: one sender's flood delays nobody else. Then cut to one batch."""
    queues: dict[str, list[Look]] = {}
    for seen in sorted(looks, key=lambda seen: (seen.mtime_ns, seen.path.name, seen.unit_code)):
        queues.setdefault(seen.unit_code, []).append(seen)
    turns = sorted(((turn, seen) for queue in queues.values() for turn, seen in enumerate(queue)), key=lambda pair: pair[0])
    return [seen for _, seen in turns[:BATCH_FILES]]


def _land(looks: Sequence[Look], landing: Path) -> list[tuple[Look, str]]:
    """Copy files into the landing area, each under its hash; a file that cannot be read and may yet become readable is left out.

    A copy gets its name when its bytes are on the disk: under a hash lies the file with that hash, also after a power cut.
    """
    if not looks:
        return []
    landing.mkdir(parents=True, exist_ok=True, mode=0o700)
    landing.chmod(0o700)
    drafts = landing / ".drafts"
    if drafts.exists():
        shutil.rmtree(drafts)  # of a run that was killed
    drafts.mkdir(mode=0o700)
    copied = [(seen, _copy(seen, drafts / str(number), landing)) for number, seen in enumerate(looks)]
    sync_filesystem(landing)
    for number, (_, sha256) in enumerate(copied):
        if sha256 is not None:
            path = landed(landing, sha256)
            path.parent.mkdir(exist_ok=True, mode=0o700)
            (drafts / str(number)).replace(path)
    sync_filesystem(landing)
    return [(seen, sha256) for seen, sha256 in copied if sha256 is not None]


def _copy(seen: Look, draft: Path, landing: Path) -> str | None:
    """Copy a file; its hash, or None when it cannot be read and may yet become readable."""
    digest = hashlib.sha256()
    with open(draft, "wb", opener=_private) as target:
        try:
            with open(seen.path, "rb", opener=_plain_file) as source:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
        except FileNotFoundError:
            return None
        except OSError as error:
            if not _stays_unreadable(seen, landing):
                return None
            log.warning("%s stays unreadable (%s); it is judged as it is", _shown(seen.path), error.strerror)
    return digest.hexdigest()


def _stays_unreadable(seen: Look, landing: Path) -> bool:
    """True when reading this very file has failed for a minute. The first failure leaves a mark, whose age is asked later."""
    mark = landing / f".unreadable-{hashlib.sha256(repr(seen.signature).encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
    mark.touch(exist_ok=True) if not mark.exists() else None
    return time.time() - mark.stat().st_mtime >= UNREADABLE_SECONDS


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o400)


def _plain_file(path: str, flags: int) -> int:
    """Opens a file, and neither what a link points at nor a pipe that was put in its place."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def landed(landing: Path, sha256: str) -> Path:
    """Where the bytes with this hash lie."""
    return landing / sha256[:2] / sha256


def _hidden(folders: Iterable[Path]) -> defaultdict[tuple[Path, str], list[Path]]:
    """What lies out of sight, by folder and submission id: left by a run that was killed, or put there by anybody."""
    found = defaultdict(list)
    for folder in folders:
        for entry in _entries(folder):
            if entry.name.startswith(_TAKEN_PREFIX):
                submission_id, _, _ = entry.name.removeprefix(_TAKEN_PREFIX).partition(".")
                found[folder, submission_id].append(Path(entry.path))
    return found


def _remove(claim: warehouse.Unremoved, path: Path, hidden: list[Path], landing: Path) -> bool:
    """Remove one claimed file; True when it is gone (or another file has taken its place).

    One that could not be read to its end is only hidden: its bytes are nowhere else.
    """
    bare = path.with_name(_TAKEN_PREFIX + claim.submission_id)  # the whole name once; it can be guessed
    try:
        if not any(_is_claimed(entry, claim) for entry in hidden) and _is_claimed(path, claim):
            hidden = [*hidden, path.rename(f"{bare}.{secrets.token_hex(8)}")]
        # the claimed one first: nothing that is in the way of another keeps it
        for entry in sorted(hidden, key=lambda entry: not _is_claimed(entry, claim)):
            if _is_claimed(entry, claim):
                if landed(landing, claim.file_sha256).stat().st_size == claim.file_size:
                    entry.unlink()
            elif entry != bare and (status := _file_status(entry)):
                # Another file, put under the name just before it was hidden: give it back, unless a third one is there already.
                given_back = _file_status(path)
                if not (given_back and os.path.samestat(given_back, status)):
                    os.link(entry, path, follow_symlinks=False)
                entry.unlink()
    except FileNotFoundError:
        pass
    except OSError as error:
        log.error("cannot remove %s from the inbox (%s); check the permissions of the folder", _shown(path), error.strerror)
        return False
    return True


def _is_claimed(path: Path, claim: warehouse.Unremoved) -> bool:
    status = _file_status(path)
    return status is not None and (status.st_size, status.st_mtime_ns) == (claim.file_size, claim.file_mtime_ns)


def _file_status(path: Path) -> os.stat_result | None:
    """Status of a file; None where there is none, or something else than a file."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _folders(inbox: Path) -> Iterator[os.DirEntry[str]]:
    return (entry for entry in _entries(inbox) if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False))


def _entries(folder: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
