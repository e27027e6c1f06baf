"""The inbox: which files wait, which of them are at rest, and taking them without losing or doubling one.

Files are taken in four steps, each safe to be the last: their bytes are copied into the landing area under their hashes; the claims
are committed; each file is renamed out of sight; it is unlinked. Whoever comes next finishes what was begun (`finish_removals`).
A file is claimed when nobody has it open for writing, and a second look finds the very bytes that were copied. It is unlinked when its
bytes are still those in the landing area. Senders can guess submission ids and write in their folders: the name out of sight ends in a
token that nobody can know before, and what lies under such a name is only deleted when it is the claimed file.

A file that cannot be *read* is judged as it is after a minute. A copy that cannot be *written* is never the file's fault: the task fails,
and is run again.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import secrets
import shutil
import stat
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import psycopg

from duban import warehouse
from duban.durable import sync_filesystem
from duban.intake.leases import is_open_for_writing
from duban.intake.values import dates_in_name
from duban.settings import Settings
from duban.text.words import mask_text, visible
from duban.warehouse.divisions import Unit
from duban.warehouse.submissions import NewClaim

log = logging.getLogger(__name__)
IGNORED_PREFIXES, IGNORED_SUFFIXES, IGNORED_NAMES = (".", "~$"), (".tmp", ".part", ".crdownload"), frozenset(["thumbs.db"])
#: What programs write beside a file that is open, or into any folder: neither sent nor worth a word.
NOISE_PREFIXES, NOISE_NAMES = ("~$", ".~lock.", "._"), frozenset([".ds_store", "thumbs.db"])
REST_SECONDS = 1.0
#: So long a file must rest where nobody can say whether it is still being written.
QUIET_SECONDS = 25.0
UNREADABLE_SECONDS = 60.0
#: As many as are judged in a few seconds: who sends one file does not wait for another's ten thousand.
BATCH_FILES, BATCH_BYTES = 400, 64 << 20
#: Of one unit no more than this: its flood is taken in short rounds, and delays nobody.
UNIT_FILES = 90
_TAKEN_PREFIX = ".duban-taken-"
_CHUNK = 1 << 20
# Of an attempt to read: this process or the machine has run out of something, whatever the file.
_OURS = frozenset([errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT])

Signature = tuple[str, int, int, int, int]


@dataclass(frozen=True)
class Look:
    """A file as seen at one moment. The same `signature` in two looks at least a second apart: the file is at rest."""

    path: Path
    unit_code: str
    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int

    @property
    def signature(self) -> Signature:
        """What must not change between two looks."""
        return (str(self.path), self.size, self.mtime_ns, self.inode, self.ctime_ns)


class Copy(NamedTuple):
    """A file whose bytes lie in the landing area; all of them, or what could be read of one that stays unreadable."""

    seen: Look
    sha256: str
    is_whole: bool


class _Unreadable(Exception):
    """A file could not be read to its end."""


def look(inbox: Path, unit_codes: Collection[str]) -> dict[Signature, Look]:
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
                seen = _seen(Path(entry.path), folder.name, status)
                looks[seen.signature] = seen
    return looks


def _seen(path: Path, unit_code: str, status: os.stat_result) -> Look:
    return Look(path, unit_code, status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)


def is_being_written(path: Path) -> bool:
    """True when somebody is known to have the file open for writing."""
    try:
        with open(path, "rb", opener=_plain_file) as file:
            return is_open_for_writing(file.fileno()) is True
    except OSError:
        return False  # gone, or unreadable: that is found out where it is taken


def strangers(inbox: Path, unit_codes: Collection[str]) -> list[str]:
    """What lies in the inbox and will not be taken, below it: folders that are no registered unit and hold something, files in no folder,
    and in the folders of units whatever is no plain file or hidden by its name.

    They are reported, never touched.
    """
    found = [folder.name for folder in _folders(inbox) if folder.name not in unit_codes and _entries(folder)]
    found += [entry.name for entry in _entries(inbox) if not entry.is_dir(follow_symlinks=False) and not is_ignored(entry.name)]
    for folder in _folders(inbox):
        if folder.name in unit_codes:
            found += [f"{folder.name}/{entry.name}" for entry in _entries(folder) if _is_stranger(entry)]
    return sorted(map(_shown, found))


def _is_stranger(entry: os.DirEntry[str]) -> bool:
    """True for what lies in the folder of a unit and will never be taken. Our own hidden files are asked after by `hidden_originals`."""
    if not entry.is_file(follow_symlinks=False):
        return True
    is_noise = entry.name.lower().startswith(NOISE_PREFIXES) or entry.name.lower() in NOISE_NAMES
    return entry.name.startswith(".") and not entry.name.startswith(_TAKEN_PREFIX) and not is_noise


def hidden_originals(inbox: Path, unit_codes: Collection[str]) -> list[tuple[str, str]]:
    """(unit, submission id) of every file that lies out of sight in a unit's folder, under the name that taken files have."""
    folders = {inbox / code: code for code in unit_codes}
    hidden = _hidden(folder for folder in folders if folder.is_dir())
    files = ((folders[folder], identity) for (folder, identity), paths in hidden.items() for path in paths if _file_status(path))
    return sorted(files)


def is_ignored(name: str) -> bool:
    """True for names that are never a submission: hidden and lock files, unfinished downloads, thumbnails."""
    lower = name.lower()
    return lower.startswith(IGNORED_PREFIXES) or lower.endswith(IGNORED_SUFFIXES) or lower in IGNORED_NAMES


def claim_files(conn: psycopg.Connection, settings: Settings, since: dict[Signature, float] | None = None) -> list[str]:
    """Take the files at rest, in the order in which they are judged, at most `BATCH_FILES`; returns their submission ids.

    A file that cannot be read is left for its sender to repair; after a minute it is taken as it is and judged. One that somebody has open
    for writing is left until it is closed.

    Args:
        conn: A connection with the loader's rights.
        settings: Where inbox and landing area lie.
        since: When each file was first seen as it is, by `time.monotonic`; kept from call to call by whoever calls more than once.

    Raises:
        OSError: the landing area cannot take the copies. Nothing was claimed.
    """
    with warehouse.submissions.claim_lock(conn):
        units = warehouse.divisions.registered_units(conn)
        stuck = finish_removals(conn, settings)
        first = {signature: seen for signature, seen in look(settings.inbox, units).items() if str(seen.path) not in stuck}
        for name in strangers(settings.inbox, units):
            log.warning("inbox/%s is no file in the folder of a registered unit; it is left alone", name)
        since = {} if since is None else since
        now = time.monotonic()
        known = {signature: since.get(signature, now) for signature in first}
        since.clear()
        since.update(known)
        marks = _Marks(settings.landing)
        copied = _land(_batch(first.values(), units), settings.landing, marks)
        marks.forget_all_but(first.values())
        if not copied:
            return []
        rested_at = max(since[copy.seen.signature] for copy in copied) + REST_SECONDS
        time.sleep(max(0.0, rested_at - time.monotonic()))
        second = look(settings.inbox, units)
        at_rest = [copy for copy in copied if copy.seen.signature in second and _is_still(copy, settings.landing)]
        ids = warehouse.submissions.record_claims(conn, [_claim(copy, units, settings) for copy in at_rest])
        finish_removals(conn, settings)
        return ids


def finish_removals(conn: psycopg.Connection, settings: Settings) -> set[str]:
    """Remove from the inbox what is claimed, and only that: a file that was replaced meanwhile stays and is taken on its own.

    Returns:
        Paths of claimed files that cannot be removed: they must not be taken a second time.
    """
    removed, stuck = {}, set()
    paths = {claim: settings.inbox / os.fsdecode(claim.inbox_path) for claim in warehouse.submissions.unremoved_claims(conn)}
    hidden = _hidden({path.parent for path in paths.values()})
    for claim, path in paths.items():
        if _remove(claim, path, hidden[path.parent, claim.submission_id], settings.landing):
            removed[claim.submission_id] = kept_path(claim.inbox_path)
        elif _is_claimed(path, claim, settings.landing):
            stuck.add(str(path))
    warehouse.submissions.record_removed(conn, removed)
    return stuck


def _claim(copy: Copy, units: Mapping[str, Unit], settings: Settings) -> NewClaim:
    seen = copy.seen
    return NewClaim(
        unit=units[seen.unit_code],
        inbox_path=os.fsencode(seen.path.relative_to(settings.inbox)),
        file_name=_shown(seen.path.name),
        file_sha256=copy.sha256,
        file_size=seen.size,
        file_mtime_ns=seen.mtime_ns,
        file_inode=seen.inode,
        file_ctime_ns=seen.ctime_ns,
        is_whole=copy.is_whole,
        named_dates=dates_in_name(seen.path.name),
    )


def _shown(name: str | Path) -> str:
    """A name as others may see it: what is no text, or not to be seen, is escaped. Some clerks put identity numbers into names."""
    return mask_text(visible(os.fsencode(name).decode("utf-8", "backslashreplace")))


def kept_path(inbox_path: bytes) -> bytes:
    """What the warehouse keeps of a path below the inbox once the file is gone from there: numbers of persons are masked."""
    return os.fsencode(mask_text(os.fsdecode(inbox_path)))


def _batch(looks: Iterable[Look], units: Mapping[str, Unit]) -> list[Look]:
    """The first files in the order in which they are judged, whatever the number of batches: visits last, then mtime, name, unit.

    Of a unit that sends more than `UNIT_FILES` the rest comes after everybody else's.
    """
    counts: Counter[str] = Counter()
    waiting = []
    for seen in sorted(looks, key=lambda seen: (seen.mtime_ns, seen.path.name, seen.unit_code)):
        counts[seen.unit_code] += 1
        if counts[seen.unit_code] <= UNIT_FILES:
            waiting.append(seen)
    batch, total = [], 0
    for seen in sorted(waiting, key=lambda seen: units[seen.unit_code].unit_kind == "group")[:BATCH_FILES]:
        total += seen.size
        if batch and total > BATCH_BYTES:
            break
        batch.append(seen)
    return batch


def _land(looks: Sequence[Look], landing: Path, marks: _Marks) -> list[Copy]:
    """Copy files into the landing area, each under its hash; one that is not to be taken yet is left out.

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
    try:
        copied = {drafts / str(number): _copy(seen, drafts / str(number), marks) for number, seen in enumerate(looks)}
        sync_filesystem(landing)
        for draft, copy in copied.items():
            if copy is not None:
                path = landed(landing, copy.sha256)
                path.parent.mkdir(exist_ok=True, mode=0o700)
                draft.replace(path)
        sync_filesystem(landing)
    finally:
        shutil.rmtree(drafts, ignore_errors=True)  # the disk may be full
    return [copy for copy in copied.values() if copy is not None]


def _copy(seen: Look, draft: Path, marks: _Marks) -> Copy | None:
    """Copy a file; None when it is not what was seen, is being written, or cannot be read and may yet become readable.

    Raises:
        OSError: the copy could not be written.
    """
    digest, size, is_whole = hashlib.sha256(), 0, True
    with open(draft, "wb", opener=_private) as target:
        try:
            for chunk in _read(seen, marks):
                target.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        except FileNotFoundError:
            return None
        except _Unreadable as failure:
            if marks.age("unreadable", seen) < UNREADABLE_SECONDS:
                return None
            log.warning("%s stays unreadable (%s); it is judged as it is", _shown(seen.path), failure)
            is_whole = False
    if is_whole and size != seen.size:
        return None
    return Copy(seen, digest.hexdigest(), is_whole)


def _read(seen: Look, marks: _Marks) -> Iterator[bytes]:
    """The bytes of a file in chunks.

    Raises:
        FileNotFoundError: another file lies there, or somebody writes it, or may be writing it: it is not to be taken yet.
        _Unreadable: it cannot be read to its end.
    """
    try:
        with open(seen.path, "rb", opener=_plain_file) as source:
            if _seen(seen.path, seen.unit_code, os.fstat(source.fileno())) != seen:
                raise FileNotFoundError
            is_written = is_open_for_writing(source.fileno())
            if is_written or (is_written is None and marks.age("quiet", seen) < QUIET_SECONDS):
                raise FileNotFoundError
            while chunk := source.read(_CHUNK):
                yield chunk
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in _OURS:
            raise
        raise _Unreadable(error.strerror) from error


def _is_still(copy: Copy, landing: Path) -> bool:
    """True when the bytes of a file are those that were copied, and nobody has it open for writing."""
    try:
        with open(copy.seen.path, "rb", opener=_plain_file) as source:
            if is_open_for_writing(source.fileno()) or _seen(copy.seen.path, copy.seen.unit_code, os.fstat(source.fileno())) != copy.seen:
                return False
            return _same(source, landed(landing, copy.sha256))
    except OSError:
        return not copy.is_whole  # it stays unreadable


def _same(file: BinaryIO, copy: Path) -> bool:
    """True when two files have the same bytes.

    Raises:
        OSError: one of them cannot be read to its end.
    """
    with open(copy, "rb") as other:
        while True:
            chunk = file.read(_CHUNK)
            if chunk != other.read(len(chunk) or 1):
                return False
            if not chunk:
                return True


class _Marks:
    """Since when something has been so with a file, from run to run: an empty file in the landing area, whose age is asked later."""

    _KINDS = ("unreadable", "quiet")

    def __init__(self, landing: Path):
        self._landing = landing

    def age(self, kind: str, seen: Look) -> float:
        """Seconds since this was first asked about this very file."""
        mark = self._landing / self._name(kind, seen)
        if not mark.exists():
            mark.touch()
        return time.time() - mark.stat().st_mtime

    def forget_all_but(self, waiting: Iterable[Look]) -> None:
        """Remove the marks of files that do not wait any more."""
        waiting = list(waiting)
        kept = {self._name(kind, seen) for kind in self._KINDS for seen in waiting}
        for entry in _entries(self._landing):
            if entry.name.startswith(tuple(f".{kind}-" for kind in self._KINDS)) and entry.name not in kept:
                with suppress(OSError):
                    os.unlink(entry.path)

    @staticmethod
    def _name(kind: str, seen: Look) -> str:
        return f".{kind}-{hashlib.sha256(repr(seen.signature).encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o400)


def _plain_file(path: str, flags: int) -> int:
    """Opens a file, and neither what a link points at nor a pipe that was put in its place."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def landed(landing: Path, sha256: str) -> Path:
    """Where the bytes with this hash lie."""
    return landing / sha256[:2] / sha256


def is_intact(path: Path, sha256: str) -> bool:
    """True when the bytes that lie under a hash have that hash.

    Raises:
        OSError: they cannot be read.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _hidden(folders: Iterable[Path]) -> defaultdict[tuple[Path, str], list[Path]]:
    """What lies out of sight, by folder and submission id: left by a run that was killed, or put there by anybody."""
    found = defaultdict(list)
    for folder in folders:
        for entry in _entries(folder):
            if entry.name.startswith(_TAKEN_PREFIX):
                submission_id, _, _ = entry.name.removeprefix(_TAKEN_PREFIX).partition(".")
                found[folder, submission_id].append(Path(entry.path))
    return found


def _remove(claim: warehouse.submissions.Unremoved, path: Path, hidden: list[Path], landing: Path) -> bool:
    """Remove one claimed file; True when it is gone (or another file has taken its place).

    One that could not be read to its end is only hidden: its bytes are nowhere else.
    """
    bare = path.with_name(_TAKEN_PREFIX + claim.submission_id)  # the whole name once; it can be guessed
    try:
        if not any(_is_claimed(entry, claim, landing) for entry in hidden) and _is_claimed(path, claim, landing):
            hidden = [*hidden, path.rename(f"{bare}.{secrets.token_hex(8)}")]
        # the claimed one first: nothing that is in the way of another keeps it
        for entry, is_claimed in sorted(((entry, _is_claimed(entry, claim, landing)) for entry in hidden), key=lambda pair: not pair[1]):
            if is_claimed:
                if is_being_written(entry):
                    return False  # opened since it was claimed: what is written now must not be lost
                if _is_copied(entry, claim, landing):
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


def _is_claimed(path: Path, claim: warehouse.submissions.Unremoved, landing: Path) -> bool:
    """True for the claimed file itself: by its inode, size and times; where a rename has changed these, by its bytes too."""
    status = _file_status(path)
    if status is None or (status.st_size, status.st_mtime_ns) != (claim.file_size, claim.file_mtime_ns):
        return False
    if claim.file_inode not in (None, status.st_ino):
        return False
    return status.st_ctime_ns == claim.file_ctime_ns or _is_copied(path, claim, landing) is not False


def _is_copied(path: Path, claim: warehouse.submissions.Unremoved, landing: Path) -> bool | None:
    """Whether the bytes of a file are those that were copied; None when it cannot be read, or not to its end."""
    try:
        with open(path, "rb", opener=_plain_file) as file:
            return _same(file, landed(landing, claim.file_sha256))
    except OSError:
        return None


def _file_status(path: Path) -> os.stat_result | None:
    """Status of a file; None where there is none, or something else than a file."""
    with suppress(FileNotFoundError):
        status = path.lstat()
        return status if stat.S_ISREG(status.st_mode) else None
    return None


def _folders(inbox: Path) -> Iterator[os.DirEntry[str]]:
    return (entry for entry in _entries(inbox) if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False))


def _entries(folder: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
