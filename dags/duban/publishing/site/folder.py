"""The folder of the site on disk: one writer at a time, whole files, and nothing in it that its readers must not get."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg

from duban.durable import sync_filesystem
from duban.publishing.site.figures import Figures
from duban.publishing.site.figures.issues import Document, Issue
from duban.statements import statement

# What belongs to a district at the top of the site.
_OF_A_DISTRICT = re.compile(r"(\d{6})(\.html)?")
_ISSUES = "issues"


class SiteFolder:
    """The folder while it is held: whoever opens it waits for the one before."""

    def __init__(self, path: Path):
        self._path = path

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[SiteFolder]:
        """Make the folder where it is missing and hold it against other writers, whichever process they are in.

        Raises:
            OSError: it cannot be made.
        """
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield cls(path)
        finally:
            os.close(descriptor)

    def place_issues(self, conn: psycopg.Connection, figures: Figures) -> None:
        """Copy the files of issues that are missing or differ, and remove those that the audience does not get.

        An issue never changes, so that a copy with the size and the time of the issue is the copy; only others are fetched.
        """
        missing: dict[tuple[str, str], tuple[Issue, Path]] = {}
        for shown in figures.districts:
            for issue in shown.issues.issues:
                folder = self._path / shown.district.district_code / issue.folder
                for document in issue.documents:
                    path = _inside(folder, document)
                    if not _is_copy(path, document, issue):
                        missing[document.publication_id, document.file_name] = issue, path
                for document in issue.withheld:
                    _inside(folder, document).unlink(missing_ok=True)
        if missing:
            self._replace(_contents(conn, missing))

    def place_pages(self, pages: Mapping[str, str]) -> list[Path]:
        """Replace the pages that changed, then remove what no longer belongs to the site; returns all pages.

        Issues of a district that has pages stay as they are.

        Raises:
            OSError: the folder cannot be written; the pages that are there stay.
        """
        wanted = {self._path / name: content.encode() for name, content in pages.items()}
        self._replace((path, content, None) for path, content in wanted.items() if not path.exists() or path.read_bytes() != content)
        for path in self._path.iterdir():
            matched = _OF_A_DISTRICT.fullmatch(path.name)
            if path.is_dir() and matched and path.with_suffix(".html") in wanted:
                self._tidy(path, wanted)
            elif (matched or _is_unfinished(path)) and path not in wanted:
                _remove(path)
        return list(wanted)

    def _tidy(self, folder: Path, wanted: Mapping[Path, bytes]) -> None:
        for path in folder.iterdir():
            if path not in wanted and path.name != _ISSUES:
                _remove(path)
        for path in filter(_is_unfinished, (folder / _ISSUES).rglob(".*")):
            _remove(path)

    def _make(self, folder: Path) -> None:
        """Make a folder of the site and those above it, open to all who may read the site, whatever the process grants by default."""
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir()
            folder.chmod(0o755)

    def _replace(self, contents: Iterable[tuple[Path, bytes, datetime | None]]) -> None:
        """Replace files in one step each, after all of them lie on the disk; a time given becomes the time of the file."""
        written: list[tuple[str, Path]] = []
        try:
            for path, content, at in contents:
                self._make(path.parent)
                handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
                written.append((temporary, path))
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    os.fchmod(file.fileno(), 0o644)  # mkstemp makes it private; the site is there to be read
                if at is not None:
                    os.utime(temporary, (at.timestamp(), at.timestamp()))
            if written:
                sync_filesystem(self._path)
            for temporary, path in written:
                os.replace(temporary, path)
        except BaseException:
            for temporary, _ in written:
                Path(temporary).unlink(missing_ok=True)
            raise


def _contents(conn: psycopg.Connection, missing: Mapping[tuple[str, str], tuple[Issue, Path]]) -> Iterator[tuple[Path, bytes, datetime]]:
    """Path, bytes and time of documents, one after the other from the warehouse."""
    ids = sorted({publication_id for publication_id, _ in missing})
    for publication_id, file_name, content in conn.cursor().stream(statement(__file__, "folder_contents"), {"publication_ids": ids}):
        if (publication_id, file_name) in missing:
            issue, path = missing[publication_id, file_name]
            yield path, content, issue.published_at


def _inside(folder: Path, document: Document) -> Path:
    """The place of a document, which is one name in the folder of its issue."""
    if Path(document.file_name).name != document.file_name or document.file_name[:1] in ("", "."):
        raise ValueError(f"{document.publication_id} 的文件名不能用作文件名")
    return folder / document.file_name


def _is_copy(path: Path, document: Document, issue: Issue) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    return found.st_size == document.size and int(found.st_mtime) == int(issue.published_at.timestamp())


def _is_unfinished(path: Path) -> bool:
    """What a process that was killed left behind."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
