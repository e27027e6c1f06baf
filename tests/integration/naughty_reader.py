"""A reader for the sandbox that does what the file tells it to: it dies, hangs, eats memory, floods its output, or reads."""

from __future__ import annotations

import os
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
    if b"ENV!" in content:
        return {"env": sorted(os.environ)}
    return reader.handle(job)


if __name__ == "__main__":
    serve(handle)
