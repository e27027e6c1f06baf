"""What one cell of a CSV says: the value grammar, read literally, over plain text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

BLANK_WORDS = frozenset({"", "/", "\\", "无", "暂无", "没有", "-", "--", "---", "null", "(null)", "n/a"})
NEVER_A_VALUE = frozenset({"同上", "如上", "〃", "待定", "待填", "none", "nan"})
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
# What a spreadsheet made of a key: it shows in the CSV that it saves.
SPOILT_KEYS = ("[0-9]+月[0-9]+日", "[0-9]{4}/[0-9]+/[0-9]+", "[0-9]+-(Jan|Jun|Dec)", "[0-9][.]?[0-9]*E[+][0-9]+", "TRUE|FALSE")
FORMULA_ERRORS = frozenset({"#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"})

# Sums over a district must fit numeric(18,2): a single amount from 10¹² 元 on is not believed.
LARGEST_YUAN = Decimal(10) ** 12

CHINESE_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0}
CHINESE_NUMBERS = {digit: value for digit, value in CHINESE_DIGITS.items() if value} | {"十": 10}
CHINESE_NUMBERS |= {"十" + digit: 10 + CHINESE_DIGITS[digit] for digit in "一二三四五六七八九"}
CHINESE_NUMBERS |= {"二十": 20, "三十": 30, "三十一": 31} | {"二十" + digit: 20 + CHINESE_DIGITS[digit] for digit in "一二三四五六七八九"}

_TIME = re.compile(r"(?:[ \t]+|T)\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$")
_SEPARATED = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})$")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})$")
_WRITTEN = re.compile(r"(?:([0-9]{4})年)?([0-9]{1,2})月([0-9]{1,2})日$")
_CHINESE = re.compile(r"(?:([〇零一二三四五六七八九]{4})年)?([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})日$")
_WITHOUT_YEAR = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})$")
_MONTH = re.compile(r"([0-9]{4})(?:([0-9]{2})|-([0-9]{1,2})|\.([0-9]{2})|年([0-9]{1,2})月)$")
_NUMBER = re.compile(r"-?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?$")


class Unreadable(ValueError):
    """A cell that breaks a rule by itself; its only argument is the rule id."""


@dataclass(frozen=True)
class Cell:
    """A read cell: its typed value (None when blank) or the rule that makes it unreadable, and the text it came from."""

    value: object | None
    rule_id: str | None
    text: str

    @property
    def typed(self) -> object:
        """What two cells must share to be the same content."""
        return self.text if self.rule_id else self.value


def normal(text: str) -> str:
    """Returns the text of a typed field: NFKC, without outer whitespace."""
    return unicodedata.normalize("NFKC", text).strip()


def without_whitespace(text: str) -> str:
    """Removes every whitespace character after NFKC, as for vocabulary and keys."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def as_shown(text: str) -> str:
    """The field as a spreadsheet shows it: ="0012" is 0012."""
    return text[2:-1].replace('""', '"') if len(text) > 2 and text.startswith('="') and text.endswith('"') else text


def as_word(text: str) -> str:
    """A text as the words for nothing are compared: small letters, hyphens for all dashes."""
    return "".join("-" if character in DASHES else character for character in text.strip().lower())


def read_date(text: str, report_on: date) -> date:
    """Reads a date; R02 for anything that the rules do not list. An apostrophe before it is left aside."""
    text = _TIME.sub("", normal(text).lstrip("'"))
    year: int | None
    if match := _SEPARATED.match(text):
        year, month, day = int(match[1]), int(match[3]), int(match[4])
    elif match := _COMPACT.match(text):
        year, month, day = int(match[1]), int(match[2]), int(match[3])
    elif match := _WRITTEN.match(text):
        year, month, day = int(match[1]) if match[1] else None, int(match[2]), int(match[3])
    elif match := _CHINESE.match(text):
        if match[2] not in CHINESE_NUMBERS or match[3] not in CHINESE_NUMBERS:
            raise Unreadable("R02")
        year = int("".join(str(CHINESE_DIGITS[d]) for d in match[1])) if match[1] else None
        month, day = CHINESE_NUMBERS[match[2]], CHINESE_NUMBERS[match[3]]
    elif match := _WITHOUT_YEAR.match(text):
        year, month, day = None, int(match[1]), int(match[2])
    else:
        raise Unreadable("R02")
    if year is None:
        if report_on.month in (12, 1):
            raise Unreadable("R02")
        year = report_on.year
    if not 2014 <= year <= report_on.year + 5:
        raise Unreadable("R02")
    try:
        return date(year, month, day)
    except ValueError:
        raise Unreadable("R02") from None


def read_month(text: str, report_on: date) -> date:
    """Reads a month, by itself or by a day of it, as its first day; R02 for anything else. Behind a point it has two digits."""
    text = normal(text).lstrip("'")
    match = _MONTH.match(text)
    if not match and (_WITHOUT_YEAR.match(text) or not re.match("[0-9〇零一二三四五六七八九]{4}", text)):
        raise Unreadable("R02")
    day = f"{match[1]}-{match[2] or match[3] or match[4] or match[5]}-1" if match else text
    return read_date(day, report_on).replace(day=1)


def read_number(text: str) -> Decimal:
    """Reads a number as an amount that has no unit; R03 for anything else."""
    text = normal(text)
    if re.search("[元¥]", text):
        raise Unreadable("R03")
    return read_money(text, "元")


def read_money(text: str, unit: str) -> Decimal:
    """Reads an amount in a column of 元 or 万元 and returns 元; R03 for anything else."""
    text = normal(text)
    for written in ("万元", "元"):
        if text.endswith(written):
            if written != unit:
                raise Unreadable("R03")
            text = text.removesuffix(written).rstrip()
            break
    is_negative = text.startswith("(") and text.endswith(")")
    if is_negative:
        text = text[1:-1]
    text = text.removeprefix("¥").strip()
    if not _NUMBER.match(text) or (is_negative and text.startswith("-")):
        raise Unreadable("R03")
    number = Decimal(text.replace(",", ""))
    yuan = (-number if is_negative else number) * (10000 if unit == "万元" else 1)
    if yuan * 100 % 1 != 0 or abs(yuan) >= LARGEST_YUAN:
        raise Unreadable("R03")
    return yuan.quantize(Decimal("0.01"))


def read_percent(text: str) -> Decimal:
    """Reads a percentage; a bare number above 0 and up to 1 is ambiguous in text and so R03."""
    text = normal(text)
    has_sign = text.endswith("%")
    text = text.removesuffix("%").rstrip()
    if not _NUMBER.match(text) or "," in text:
        raise Unreadable("R03")
    number = Decimal(text)
    if not has_sign and 0 < number <= 1:
        raise Unreadable("R03")
    return number


def read_count(text: str) -> int:
    """Reads a number of households or persons: digits only."""
    text = normal(text)
    if not re.fullmatch(r"[0-9]+", text):
        raise Unreadable("R03")
    return int(text)


def read_year(text: str) -> int:
    """Reads a fund year: four digits."""
    text = normal(text)
    if not re.fullmatch(r"[0-9]{4}", text):
        raise Unreadable("R03")
    return int(text)


def read_id_number(text: str) -> str:
    """Reads an 18-digit ID number with a right check digit (GB 11643, mod 11-2); R07 otherwise."""
    text = without_whitespace(text).removeprefix("'").upper()
    if not re.fullmatch(r"[0-9]{17}[0-9X]", text):
        raise Unreadable("R07")
    weighted = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(text[:17]))
    if "10X98765432"[weighted % 11] != text[17]:
        raise Unreadable("R07")
    return text


def read_certificate(text: str) -> str:
    """Reads an ID number, or one with the two or four characters that a certificate of disability adds; R07 otherwise."""
    text = without_whitespace(text).removeprefix("'").upper()
    if not re.fullmatch(r"([0-9A-Z]{2}){0,2}", text[18:]):
        raise Unreadable("R07")
    return read_id_number(text[:18]) + text[18:]


def read_text(text: str, limit: int) -> str:
    """Reads free text or a name; R10 when it is too long, holds unreadable characters, or says that it stands elsewhere or is not known."""
    text = text.strip()
    if as_word(text) in NEVER_A_VALUE or as_word(without_whitespace(text)) in NEVER_A_VALUE:
        raise Unreadable("R10")
    if len(text) > limit or any(_is_unreadable(character) for character in text):
        raise Unreadable("R10")
    return text


def read_key(text: str) -> str:
    """Reads a key: whitespace removed, dashes alike, case kept, an integral number is its digits, never padded."""
    text = "".join("-" if character in DASHES else character for character in without_whitespace(text)).lstrip("'")
    text = read_text(text, 64)
    if any(re.fullmatch(spoilt, text) for spoilt in SPOILT_KEYS):
        raise Unreadable("R10")
    match = re.fullmatch(r"(0|[1-9][0-9]*)\.0+", text)
    return match[1] if match else text


def _is_unreadable(character: str) -> bool:
    if character in "\t\r\n":
        return False
    return character == "\ufffd" or unicodedata.category(character) in ("Cc", "Co", "Cs", "Cn")
