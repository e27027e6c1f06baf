"""What a number cell shows, by its number format (ECMA-376 part 1, 18.8.31): its reader sees this, and the file may store another thing.

Only what decides about the meaning is followed: digits, scaling commas, percentages, words, sections and their conditions. `!` sets one
character literally, like `\\`: so the Chinese programs write it (`0!.0,` shows 125000 as 12.5).
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache
from typing import NamedTuple

#: Formats that a workbook names by number alone and that are not ordinary.
BUILT_IN = {9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 48: "##0.0E+0"}

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|[\\!](?P<escaped>.)|_(?P<space>.)|\*(?P<fill>.)|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>General|Standard|G/通用格式)|(?P<digit>[0#?])|(?P<point>\.)|(?P<comma>,)|(?P<percent>%)|(?P<power>E[+-])|(?P<text>@)"
    r"|(?P<end>;)|(?P<letter>[A-Za-z]|上午/下午)|(?P<plain>.)",
    re.DOTALL | re.IGNORECASE,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?[0-9]+(?:\.[0-9]+)?)")
_CURRENCY = re.compile(r"\$([^-]*)(?:-.*)?")
_COLOURS = re.compile(r"red|红色?|color\s*\d+|颜色\s*\d+", re.IGNORECASE)
#: Money looks so in every ledger, whatever the unit.
_CURRENCIES = frozenset(["", "¥", "￥", "$", "RMB", "CNY", "人民币", "人民币¥"])
_COMPARE = {"<": Decimal.__lt__, "<=": Decimal.__le__, ">": Decimal.__gt__, ">=": Decimal.__ge__, "=": Decimal.__eq__, "<>": Decimal.__ne__}
_NUMERALS = str.maketrans("0123456789", "〇一二三四五六七八九")
_DIGIT = re.compile(r"\d")
_LONGEST = 255  # of a format code; what is longer is not looked at
_MOST_DIGITS = 1200  # of the largest number a workbook can hold, under a code of nothing but % and places


class Shown(NamedTuple):
    """What a cell shows: its text, the number in it (None: no digits), the words beside it, and how much its last place is worth."""

    text: str
    number: Decimal | None
    words: str
    step: Decimal
    is_percent: bool = False
    is_scaled: bool = False


class _Section(NamedTuple):
    """One of the parts of a code between `;`: kinds of tokens with their text, the condition it is for, what its brackets say."""

    tokens: tuple[tuple[str, str], ...]
    condition: tuple[str, Decimal] | None
    has_colour: bool
    has_numerals: bool

    def count(self, kind: str) -> int:
        """How many tokens are of the kind."""
        return sum(token == kind for token, _ in self.tokens)

    @property
    def has_digits(self) -> bool:
        """True when a number would be seen."""
        return any(kind in {"digit", "general"} for kind, _ in self.tokens)

    @property
    def last_digit(self) -> int:
        """Place of the last placeholder of a digit, -1 without one."""
        return max((place for place, (kind, _) in enumerate(self.tokens) if kind == "digit"), default=-1)

    @property
    def scale(self) -> int:
        """Commas behind the last digit of the whole number or of all: each divides by a thousand."""
        last, found = self.last_digit, 0
        before_point = max((n for n, (kind, _) in enumerate(self.tokens[: self.point]) if kind == "digit"), default=-1)
        for place, (kind, _) in enumerate(self.tokens):
            found += kind == "comma" and (place > last or before_point < place < self.point)
        return found if last >= 0 else 0

    @property
    def point(self) -> int:
        """Place of the decimal point, or the end."""
        return next((place for place, (kind, _) in enumerate(self.tokens) if kind == "point"), len(self.tokens))

    @property
    def literal(self) -> str:
        """The text that stands beside the digits."""
        return "".join(text for kind, text in self.tokens if kind == "literal")


@lru_cache(maxsize=4096)
def is_ordinary(code: str) -> bool:
    """True when every number and text means what it stores under the format, in any column: General, thousands, decimals, currency,
    accounting.
    """
    sections = _sections(code)
    has_conditions = any(section.condition for section in sections)
    for place, section in enumerate(sections):
        if section.count("text"):
            if section.literal.strip():
                return False
            continue
        if not section.has_digits:
            if place != 2 or has_conditions or _DIGIT.search(section.literal):
                return False
            continue
        digits = [text for kind, text in section.tokens[: section.point] if kind == "digit"]
        unusual = any(kind in {"percent", "power", "letter", "slash"} for kind, _ in section.tokens)
        says = re.sub(r"[\s()（）+-]", "", section.literal)
        is_negative = place == 1 and not has_conditions
        if unusual or section.scale or section.has_numerals or digits.count("0") > 1 or says not in _CURRENCIES:
            return False
        if is_negative and not section.has_colour and not re.search("[-(（]", section.literal):
            return False
        if place == 0 and not has_conditions and re.match(r"\s*[-(（]", section.literal):
            return False
    return True


@lru_cache(maxsize=4096)
def is_day(code: str) -> bool:
    """True for a format of days or times: what it shows is a day, and is read as one."""
    return any(kind == "letter" and text[0] in "ymdhsYMDHS" for kind, text in _sections(code)[0].tokens)


@lru_cache(maxsize=8192)
def shown(code: str, digits: str) -> Shown:
    """What a cell with this format shows for a number of these digits."""
    value = Decimal(digits)
    if len(code) > _LONGEST:
        return Shown("", None, code[:20], Decimal(0))
    section, is_bare = _section_for(_sections(code), value)
    if section is None or section.count("letter"):
        return Shown("######", None, "日期", Decimal(0))
    sign = "-" if value < 0 and not is_bare else ""
    if any(kind in {"general", "text"} for kind, _ in section.tokens):
        text = "".join(f"{abs(value):f}" if kind in {"general", "text"} else literal for kind, literal in section.tokens)
        return _shown(section, sign + text, value, Decimal(0))
    if section.count("power") or section.count("slash"):
        # another way to write the same number; how it is rounded is not followed
        text = f"{value:.2E}" if section.count("power") else f"{value:f}"
        return Shown(text, value, re.sub(r"[\s-]", "", section.literal), abs(value) / 100)
    places = sum(kind == "digit" for kind, _ in section.tokens[section.point :])
    step = Decimal(1).scaleb(-places)
    with localcontext(prec=_MOST_DIGITS):
        scaled = abs(value) * 100 ** section.count("percent") / 1000**section.scale
        return _shown(section, sign + _filled(section, scaled.quantize(step, ROUND_HALF_UP), places), value, step)


@lru_cache(maxsize=8192)
def shown_text(code: str, text: str) -> str:
    """What a cell with this format shows for a text: the part with an `@` is for it, else the fourth one, else it is shown as it is."""
    sections = _sections(code)
    section = next((section for section in sections if section.count("text")), sections[3] if len(sections) > 3 else None)
    if section is None:
        return text
    return "".join(text if kind == "text" else literal for kind, literal in section.tokens if kind in {"text", "literal"}).strip()


def _shown(section: _Section, text: str, value: Decimal, step: Decimal) -> Shown:
    plain = re.sub("[^0-9.]", "", text)
    number = Decimal(plain) if re.fullmatch(r"[0-9]+\.?[0-9]*|\.[0-9]+", plain) else None
    if number is not None and (re.match(r"\s*[-(（−]", text) or (value < 0 and (section.has_colour or re.search("[-(（−]", text)))):
        number = -number
    words = re.sub(r"[0-9.,\s()（）+−-]", "", text)
    if section.has_numerals:
        text = text.translate(_NUMERALS)
    return Shown(text.strip(), number, words, step, section.count("percent") == 1, section.scale > 0)


def _filled(section: _Section, value: Decimal, places: int) -> str:
    """The section with the digits of a number in the places for them."""
    whole, _, fraction = f"{value:f}".partition(".")
    whole = whole.lstrip("0")
    point, end = section.point, section.last_digit
    wanted = sum(kind == "digit" for kind, _ in section.tokens[:point])
    is_grouped = any(kind == "comma" and place < end for place, (kind, _) in enumerate(section.tokens[:point])) and not section.scale
    text, at, decimal = [], wanted, 0
    optional = len(fraction) - len(fraction.rstrip("0"))
    for place, (kind, token) in enumerate(section.tokens):
        if kind == "digit" and place < point:
            if at == wanted and len(whole) > wanted:
                text.append(whole[: len(whole) - wanted])
            at -= 1
            if at < len(whole):
                text.append(whole[len(whole) - 1 - at])
            elif token == "0":
                text.append("0")
        elif kind == "digit":
            if token == "0" or decimal < places - optional:
                text.append(fraction[decimal])
            decimal += 1
        elif kind == "point":
            text.append(".")
        elif kind in {"literal", "percent"}:
            text.append(token)
    joined = "".join(text)
    return re.sub(r"(?<![.\d])\d{4,}", lambda match: f"{int(match[0]):,}", joined, count=1) if is_grouped else joined


@lru_cache(maxsize=4096)
def _sections(code: str) -> tuple[_Section, ...]:
    sections, tokens, condition, has_colour, has_numerals = [], [], None, False, False
    for match in _TOKEN.finditer(code[:_LONGEST] + ";"):
        kind = match.lastgroup or ""
        text = match[kind] or ""
        if kind == "end":
            sections.append(_Section(tuple(_fractions(tokens)), condition, has_colour, has_numerals))
            tokens, condition, has_colour, has_numerals = [], None, False, False
        elif kind == "bracket":
            if found := _CONDITION.fullmatch(text):
                condition = (found[1], Decimal(found[2]))
            elif found := _CURRENCY.fullmatch(text):
                tokens.append(("literal", found[1]))
            elif re.fullmatch("[hms]+", text, re.IGNORECASE):
                tokens.append(("letter", text))
            has_colour |= bool(_COLOURS.fullmatch(text))
            has_numerals |= text.upper().startswith("DBNUM")
        elif kind in {"quoted", "escaped", "plain"}:
            tokens.append(("literal", text))
        elif kind == "space":
            tokens.append(("literal", " "))
        elif kind == "general":
            tokens.append((kind, ""))
        elif kind != "fill":
            tokens.append((kind, text))
    return tuple(sections)


def _fractions(tokens: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The tokens, a stroke between digits told from other text."""
    digits = [place for place, (kind, _) in enumerate(tokens) if kind == "digit"]
    return [
        ("slash", text) if (kind, text) == ("literal", "/") and digits and digits[0] < place < digits[-1] else (kind, text)
        for place, (kind, text) in enumerate(tokens)
    ]


def _section_for(sections: tuple[_Section, ...], value: Decimal) -> tuple[_Section | None, bool]:
    """The section that applies to a number (None: none does), and whether it shows a negative one without its sign."""
    numeric = sections[:3] if len(sections) > 3 else tuple(s for s in sections if not s.count("text") or s is sections[0])
    if not any(section.condition for section in numeric):
        if len(numeric) == 1:
            return numeric[0], False
        if value < 0:
            return numeric[1], True
        return numeric[2 if value == 0 and len(numeric) > 2 else 0], False
    for place, section in enumerate(numeric):
        condition = section.condition
        if condition is None and place < len(numeric) - 1:
            condition = (">", Decimal(0)) if place == 0 else ("<", Decimal(0))
        if condition is None or _COMPARE[condition[0]](value, condition[1]):
            return section, condition in {("<", Decimal(0)), ("<=", Decimal(0))}
    return None, False
