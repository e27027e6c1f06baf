"""Bytes of right files changed at random: by whoever cuts, flips and splices without knowing the format, and by whoever knows it well."""

from __future__ import annotations

import io
import re
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from random import Random

import olefile

Mutation = Callable[[Random, bytes], bytes]

_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF)
# within and beyond the lowered limits that the reader works under here; nothing that another program would stumble over
_REFERENCES = ("", "A", "1", "1A", "AN60", "AN2000", "AO9", "A2001", "$A$1", "A1:B2", "é1", "R1C1")
_NUMBERS = ("", "-1", "0", "x", "1e9", "1.5", "NaN", "0x10", " 1 ", "65536")
_TYPES = ("", "s", "str", "b", "e", "n", "d", "inlineStr", "x")
_VALUES = (
    "",
    "-1",
    "NaN",
    "INF",
    "1E-320",
    "123456789012345678901234567890",
    "true",
    "2",
    "#REF!",
    "2020-02-30T25:61:61",
    "99999999",
    "\u202e",
    "'",
    "&#1;",
    "&amp;lt;",
    "]]>",
)
_AREAS = ("A1:AN60", "B2:A1", "A1", "", "A1:A1:A1", "E3:E200", "A1:A20")
_MARKUP = (
    b"<!DOCTYPE x>", b"<!--", b"-->", b"<![CDATA[", b"&b;", b"&#0;", b"&#xD800;",
    b"</sheetData>", b"<row r='1'><c r='A1' t='s'><v>0</v></c></row>", b"<c/>", b"<v>1</v>", b"<f>1+1</f>", b"<f t='shared' si='0'/>",
    b"<is><t>x</t></is>", b"\xff\xfe", b"<?xml version='1.0' encoding='UTF-16'?>",
    b"<mergeCells count='1'><mergeCell ref='A1:C9'/></mergeCells>", b"xmlns:r='x'", b"<row/>", b"<sheet name='' sheetId='1'/>",
)  # fmt: skip
_GLUE = (b'"', b'""', b",", b";", b"\t", b"\r", b"\n", b"\r\n", b"=1+1", b"\x1a", b" ")
_CSV_PIECES = (
    *_GLUE, "，".encode(), b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff", b"\x80", b"\x81\x30\x81\x30", b"\xfeY", b"\xe7",
    b"\xd6\xd0", "问题编号".encode(), "合计".encode("gb18030"), b"," * 300, b"\n" * 50, b"x" * 5000, b"<html", "\u2028".encode(),
    "\x85".encode(), b"\x0b\x0c", "单位：元".encode(), "填报日期：2020-02-30".encode(),
)  # fmt: skip


# ── of any bytes ─────────────────────────────────────────────────────────────────────────────────────────────────────


def flip(rng: Random, content: bytes) -> bytes:
    """Some bytes change."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[rng.randrange(len(changed))] ^= rng.choice((1, 2, 4, 8, 16, 32, 64, 128, 255))
    return bytes(changed)


def cut(rng: Random, content: bytes) -> bytes:
    """The end is missing, or a piece in the middle."""
    first, last = sorted((rng.randint(0, len(content)), rng.randint(0, len(content))))
    return content[:first] if rng.random() < 0.5 else content[:first] + content[last:]


def insert(rng: Random, content: bytes) -> bytes:
    """Something stands where nothing belongs."""
    at = rng.randint(0, len(content))
    return (
        content[:at]
        + rng.choice((rng.randbytes(rng.randint(1, 64)), bytes(rng.randint(1, 600)), b"PK\x03\x04", b"\xff" * 512))
        + content[at:]
    )


def repeat(rng: Random, content: bytes) -> bytes:
    """A piece stands twice, or in another place."""
    first, last, at = (rng.randint(0, len(content)) for _ in range(3))
    piece = content[min(first, last) : max(first, last)][:4096]
    return content[:at] + piece + content[at:]


def overwrite(rng: Random, content: bytes) -> bytes:
    """A number somewhere becomes one that is often a bound."""
    width = rng.choice("BHI")
    size = struct.calcsize(width)
    at = rng.randint(0, max(0, len(content) - size))
    number = rng.choice(_EXTREMES) & (2 ** (8 * size) - 1)
    return content[:at] + struct.pack(f"<{width}", number) + content[at + size :]


# ── of workbooks in XML ──────────────────────────────────────────────────────────────────────────────────────────────


def _parts(content: bytes) -> list[tuple[str, bytes]] | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # what an earlier mutation left need not be an archive any more
        return None


def _packed(parts: Sequence[tuple[str, bytes]]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # two parts of one name are what is wanted
                archive.writestr(info, part)
    return target.getvalue()


def splice(rng: Random, content: bytes) -> bytes:
    """Parts of the archive change places, go missing, stand twice, get other names or strange company."""
    parts = _parts(content)
    if not parts:
        return flip(rng, content)
    at, other = rng.randrange(len(parts)), rng.randrange(len(parts))
    name, part = parts[at]
    match rng.randrange(7):
        case 0:
            del parts[at]
        case 1:
            parts[at] = (name, parts[other][1])
        case 2:
            parts.append((rng.choice((name, name.upper(), name.replace("/", "\\"), "/" + name)), part))
        case 3:
            parts[at] = (name, rng.choice((flip, cut, repeat, insert))(rng, part))
        case 4:
            names = (
                "xl/vbaProject.bin",
                "xl/macrosheets/sheet1.xml",
                "xl/externalLinks/externalLink1.xml",
                "xl/embeddings/a.bin",
                "xl/worksheets/sheet9.xml",
            )
            parts.append((rng.choice(names), part))
        case 5:
            parts[at] = (name, part.decode("utf-8", "replace").encode(rng.choice(("utf-16", "utf-16-be", "gb18030", "utf-8-sig"))))
        case 6:
            rng.shuffle(parts)
    return _packed(parts)


def edit_xml(rng: Random, content: bytes) -> bytes:
    """Tags and attributes of a part say what they should not."""
    parts = _parts(content)
    xml = [at for at, (name, _) in enumerate(parts or ()) if name.endswith((".xml", ".rels"))]
    if not xml:
        return flip(rng, content)
    sheets = [at for at in xml if "worksheets/" in parts[at][0]]
    at = rng.choice(sheets) if sheets and rng.random() < 0.6 else rng.choice(xml)
    name, part = parts[at]
    for _ in range(rng.choice((1, 1, 2, 5))):
        part = _edited(rng, part)
    parts[at] = (name, part)
    return _packed(parts)


def _edited(rng: Random, part: bytes) -> bytes:
    match rng.randrange(6):
        case 0 | 1:  # the value of an attribute
            # a name begins where none goes on: a text of 40,000 letters is looked through once, not from each of them
            found = list(re.finditer(rb'(?<![A-Za-z0-9:])([A-Za-z0-9:]+)="([^"]*)"', part))
            if not found:
                return part
            one = rng.choice(found)
            pool: Sequence[str] = {b"r": _REFERENCES, b"t": _TYPES, b"ref": _AREAS, b"sqref": _AREAS}.get(one[1], _NUMBERS)
            value = rng.choice((*pool, *rng.sample(_VALUES, 2), *_NUMBERS[:2])).replace('"', "").replace("<", "")
            return part[: one.start(2)] + value.encode() + part[one.end(2) :]
        case 2:  # a tag is lost, stands twice or is another
            found = list(re.finditer(rb"</?[A-Za-z0-9:]+[^<>]*>", part))
            if not found:
                return part
            one, other = rng.choice(found), rng.choice(found)
            return part[: one.start()] + rng.choice((b"", one[0] * 2, other[0])) + part[one.end() :]
        case 3:  # the text of an element
            found = list(re.finditer(rb">([^<>]+)<", part))
            if not found:
                return part
            one = rng.choice(found)
            return part[: one.start(1)] + rng.choice((*_VALUES, "x" * 40_000)).encode() + part[one.end(1) :]
        case 4:  # something between two tags
            found = list(re.finditer(rb"><", part))
            place = rng.choice(found).start() + 1 if found else 0
            return part[:place] + rng.choice(_MARKUP) + part[place:]
        case _:  # a row or a cell many times, or without its address
            found = list(re.finditer(rb"<row .*?</row>|<c [^<>]*?(?:/>|>.*?</c>)", part, re.DOTALL))
            if not found:
                return part
            one = rng.choice(found)
            piece = rng.choice((one[0] * rng.randint(2, 200), re.sub(rb' r="[^"]*"', b"", one[0])))
            return part[: one.start()] + piece + part[one.end() :]


# ── of workbooks in records ──────────────────────────────────────────────────────────────────────────────────────────


def edit_records(rng: Random, content: bytes) -> bytes:
    """Records of an old workbook have other lengths, ids, contents; in their container or without it."""
    stream, at = _stream(content)
    starts = _starts(stream) if stream else []
    if not starts:
        return overwrite(rng, content)
    changed = bytearray(stream)
    for _ in range(rng.choice((1, 1, 3))):
        start = rng.choice(starts)
        length = struct.unpack_from("<H", stream, start + 2)[0]
        match rng.randrange(4):
            case 0:
                struct.pack_into(
                    "<H", changed, start + 2, rng.choice((0, 1, length ^ 1, max(0, length - 1), (length + 4) & 0xFFFF, 0x2020, 0xFFFF))
                )
            case 1:
                kinds = (
                    0x06,
                    0x0A,
                    0x2F,
                    0x3C,
                    0x42,
                    0x85,
                    0xBD,
                    0xE5,
                    0xFC,
                    0xFD,
                    0x203,
                    0x204,
                    0x205,
                    0x207,
                    0x208,
                    0x27E,
                    0x809,
                    0x1AE,
                    0x4BC,
                    0x221,
                    0x22,
                    0x41E,
                    0xE0,
                )
                struct.pack_into("<H", changed, start, rng.choice(kinds))
            case 2 if length:
                for _ in range(rng.choice((1, 2, 4))):
                    changed[start + 4 + rng.randrange(length)] = rng.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, rng.randrange(256)))
            case _ if length >= 2:
                struct.pack_into("<H", changed, start + 4 + 2 * rng.randrange(length // 2), rng.choice(_EXTREMES) & 0xFFFF)
    if at is None or rng.random() < 0.3:
        # Without a container records may also go missing and come twice.
        one, other = sorted((rng.choice(starts), rng.choice(starts)))
        return bytes(rng.choice((changed, changed[:one] + changed[other:], changed[:other] + changed[one:])))
    return content[:at] + bytes(changed) + content[at + len(changed) :]


def _stream(content: bytes) -> tuple[bytes | None, int | None]:
    """The records of a workbook, and where in the file they lie in one piece; None: they are the file itself."""
    if content[:2] == b"\x09\x08":
        return content, None
    try:
        with olefile.OleFileIO(content) as container:
            stream = container.openstream("Workbook").read()
    except Exception:  # what an earlier mutation left need not be a container any more
        return None, None
    at = content.find(stream)
    return (stream, at) if at >= 0 else (None, None)


def _starts(stream: bytes) -> list[int]:
    starts, at = [], 0
    while at + 4 <= len(stream):
        starts.append(at)
        at += 4 + struct.unpack_from("<H", stream, at + 2)[0]
    return [start for start in starts if start + 4 + struct.unpack_from("<H", stream, start + 2)[0] <= len(stream)]


# ── of texts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def edit_text(rng: Random, content: bytes) -> bytes:
    """Quotes, separators, line ends, marks and bytes of other encodings get into a CSV."""
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randint(0, len(content))
        if rng.random() < 0.7:
            content = content[:at] + rng.choice(_GLUE if rng.random() < 0.6 else _CSV_PIECES) + content[at:]
        else:
            old = rng.choice((b",", b"\r\n", b"\n", b'"', b"-"))
            content = content.replace(old, rng.choice(_GLUE), rng.choice((1, -1)))
    return content


def recode(rng: Random, content: bytes) -> bytes:
    """The same text in other bytes."""
    text = content.decode("utf-8", "replace")
    return text.encode(rng.choice(("gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32", "big5", "shift_jis")), "replace")


BLIND: tuple[Mutation, ...] = (flip, cut, insert, repeat, overwrite)
MUTATIONS: Mapping[str, tuple[Mutation, ...]] = {
    # Most blind changes of an archive end at its checksums: few of them are enough.
    "xlsx": (flip, cut, overwrite, splice, splice, *[edit_xml] * 12),
    "xls": (*BLIND, *[edit_records] * 8),
    "csv": (*BLIND, recode, *[edit_text] * 6),
}


def mutated(kind: str, content: bytes, choices: Sequence[tuple[int, int]]) -> bytes:
    """The content after these mutations: which one of its kind, and the seed of what it does."""
    for which, seed in choices:
        mutations = MUTATIONS[kind]
        content = mutations[which % len(mutations)](Random(seed), content)
    return content
