"""The zip file that a document or workbook is: same parts, same bytes."""

import io
import zipfile
from collections.abc import Mapping
from typing import BinaryIO

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def pack(parts: Mapping[str, bytes]) -> bytes:
    """The parts by their names, in their order, as a zip file that carries no time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, _FIRST_DAY)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def repack(archive: BinaryIO) -> bytes:
    """A zip file that a library wrote, with the same parts in the same order, as `pack` writes it."""
    with zipfile.ZipFile(archive) as written:
        return pack({name: written.read(name) for name in written.namelist()})
