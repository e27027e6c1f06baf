"""How far a restore has come: a note in the home, so that one that was killed goes on when it is run again."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from duban.settings import TIMEZONE
from local.backup.archive import Manifest, Place
from local.secrets import write_private


@dataclass(frozen=True)
class Note:
    """Kept in the home from the first change until the system runs again: which backup, and the time that names what is put aside."""

    path: Path
    seal: str
    at: str
    # everything has its place, and the system may start
    is_placed: bool = False

    @classmethod
    def of(cls, place: Place, manifest: Manifest) -> Note | None:
        """The note of a restore of this very backup that did not come to its end."""
        note = cls.read(place.settings.home)
        return note if note and note.seal == manifest.seal else None

    @classmethod
    def read(cls, home: Path) -> Note | None:
        """The note of a restore that did not come to its end."""
        path = home / "run" / "restoring.json"
        try:
            return cls(path, **json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    @classmethod
    def begin(cls, place: Place, manifest: Manifest) -> Note:
        """Write the note."""
        note = cls(place.settings.home / "run" / "restoring.json", manifest.seal, f"{datetime.now(TIMEZONE):%Y%m%dt%H%M%S}")
        note.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(laid_aside(place), ignore_errors=True)
        note._write()
        return note

    def placed(self, place: Place) -> Note:
        """Write down that all that is left is to start the system."""
        note = replace(self, is_placed=True)
        note._write()
        shutil.rmtree(laid_aside(place), ignore_errors=True)
        return note

    def finish(self) -> None:
        """The system runs: there is nothing to go on with."""
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        write_private(self.path, json.dumps({"seal": self.seal, "at": self.at, "is_placed": self.is_placed}) + "\n")


def laid_aside(place: Place) -> Path:
    """Where the outbox of the backup is laid out before it takes its place."""
    # On the file system of the outbox, so that a folder changes its place at once.
    return place.settings.outbox / ".restoring"
