"""A reader for the sandbox that does what the file tells it to: it dies, hangs, eats memory, floods its output, or reads."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from duban.intake import reader
from duban.intake.sandbox import OUTPUT_BYTES, serve


def handle(job: dict) -> dict:
    """Obey the first word of command in the file."""
    content = Path(job["path"]).read_bytes()
    if b"DIE!" in content:
        os._exit(9)
    if b"HANG!" in content:
        time.sleep(600)
    if b"EAT!" in content:
        bytearray(8 << 30)
    if b"RAISE!" in content:
        raise RuntimeError
    if b"FLOOD!" in content:
        for _ in range((OUTPUT_BYTES >> 20) + 2):
            os.write(1, b" " * (1 << 20))
    if content.startswith((b"NET!", b"UNIX!", b"RUN!")):
        return _try(*content.decode().split("!"))
    if b"ENV!" in content:
        return {"env": sorted(os.environ)}
    return reader.handle(job)


def _try(word: str, port: str) -> dict:
    """Reach out of the sandbox."""
    try:
        if word == "RUN":
            os.execv("/bin/true", ["true"])
        with socket.socket(socket.AF_UNIX if word == "UNIX" else socket.AF_INET) as reached:
            reached.connect("/nowhere" if word == "UNIX" else ("127.0.0.1", int(port)))
    except OSError as error:
        return {"refused": type(error).__name__}
    return {"refused": "nothing"}


if __name__ == "__main__":
    serve(handle)
