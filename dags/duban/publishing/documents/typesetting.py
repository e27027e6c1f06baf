"""How Chinese text is set: which characters may be seen, how wide a text is, and where a title breaks."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

# Controls and halves of characters, which XML cannot hold, and what turns the direction of the text around it, which misleads a reader.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_NEVER_FIRST = "，。、；：？！）》〉】〕」』”’％%"
_NEVER_LAST = "（《〈【〔「『“‘"
# What a line never tears: numbers, dates, and the words that the titles of these publications are made of.
_WORD = re.compile(
    r"\d+年\d+月\d+日|\d+年\d+月|\d+月\d+日|第\d+期|[0-9A-Za-z.%+-]+|日通报|周调度|月调度|通报|调度|脱贫攻坚|回头看|排查|问题|整改|销号"
    "|督导|检查|进度|情况|工作|项目|资金|建设|使用|管理|分配|拨付|更正|有关|数字|全区|全县|全市|乡镇|街道|办公室|领导小组"
)


def visible(text: str) -> str:
    """The text with U+FFFD for every character that cannot be shown or changes how the text around it is shown."""
    return _UNSEEN.sub("\ufffd", text)


@cache
def _width(character: str) -> int:
    return 0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WFA" else 1


def is_wide(character: str) -> bool:
    """Whether a character takes the place of a Chinese one."""
    return _width(character) == 2


def half_widths(text: str) -> int:
    """Width of a text in halves of a Chinese character."""
    return sum(map(_width, text))


def title_lines(title: str, line_width: int) -> list[str]:
    """A title as lines of much the same length, broken where the sense allows; line breaks in it are kept.

    Args:
        title: The title; ``\\n`` breaks it by hand.
        line_width: What a line holds, in halves of a Chinese character.
    """
    return [line for part in title.split("\n") for line in _balanced(part.strip(), line_width)]


def _balanced(title: str, line_width: int) -> list[str]:
    count = -(-half_widths(title) // line_width)
    if count <= 1:
        return [title]
    lines, rest = [], title
    for left in range(count, 1, -1):
        ideal = half_widths(rest) / left
        fitting = [place for place in _places(rest) if half_widths(rest[:place]) <= line_width]
        if not fitting:
            break
        best = min(fitting, key=lambda place: abs(half_widths(rest[:place]) - ideal) - _sense(rest, place))
        lines.append(rest[:best])
        rest = rest[best:]
    return [*lines, rest]


def _places(text: str) -> Iterator[int]:
    """Where a line may end: not inside a word, and never with a bracket on the wrong line."""
    inside = {place for word in _WORD.finditer(text) for place in range(word.start() + 1, word.end())}
    for place, (before, after) in enumerate(pairwise(text), start=1):
        if place not in inside and before not in _NEVER_LAST and after not in _NEVER_FIRST:
            yield place


def _sense(text: str, place: int) -> int:
    """How well the sense allows a break, in halves of a Chinese character that the line may be longer or shorter for it."""
    before, after = text[:place], text[place:]
    if after[0] in "（《“" or before[-1] in "）》”、，" or before.endswith("关于"):
        return 12
    if before[-1] in "的和及" or after[0] in "和及":
        return 8
    return 0
