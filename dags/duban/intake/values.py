"""One cell → one typed value, or the rule it breaks (docs/rules.md, Values). Never raises, never guesses, never pads.

Money is Decimal in yuan, percentages are Decimal from 0 to 100 (or beyond, the gate judges that), dates are datetime.date,
identity numbers are text. NFKC is applied to typed fields only; free text keeps its code points, less control characters.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from duban.intake import number_formats
from duban.intake.cells import Cell, Faulty, Number, Picture, StyledText, display
from duban.ledgers import Column, Vocabulary, Words
from duban.settings import TIMEZONE
from duban.text.names import MAX_NAME
from duban.text.words import fold, fold_key, has_right_check_digit, identifies_person, is_phone_number, is_plain, sign

MAX_TEXT = 4000
MAX_DIGITS = 24  # what decimal arithmetic keeps exactly, the factor of 万元 included
MAX_YUAN = Decimal(10) ** 12  # sums of a district must fit numeric(18,2)
FIRST_YEAR = 2014
YEARS_AHEAD = 5
_SERIALS = range(25569, 73051)
_1904_OFFSET = 1462
_CHINESE_DIGITS = {digit: number for number, digit in enumerate("〇一二三四五六七八九")} | {"○": 0, "零": 0, "Ｏ": 0}
_DATE = re.compile(r"^(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|\.(\d{1,2})\.(\d{1,2})|年(\d{1,2})月(\d{1,2})日)", re.ASCII)
_COMPACT_DATE = re.compile(r"^(\d{4})(\d{2})(\d{2})$", re.ASCII)
# Behind a point both digits of a month: 2023.1 may be October, whose 0 a program left away.
_MONTH = re.compile(r"^(\d{4})(?:(\d{2})|-(\d{1,2})|\.(\d{2})|年(\d{1,2})月)$", re.ASCII)
_DAY_OF_YEAR = re.compile(r"^(\d{1,2})(?:月(\d{1,2})日|[-/.](\d{1,2}))$", re.ASCII)
_ERRORS = frozenset(["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"])
_TIME_PART = re.compile(r"^(?:[T ]?\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$", re.ASCII)
_ZONED = re.compile(r"^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})$", re.ASCII)
# As programs and people write the day into the name of a file, a time perhaps behind it; 24日前 is a deadline.
_DATE_IN_NAME = re.compile(
    r"(?<!\d)(?:(\d{4})(\d{2})(\d{2})(?:(?:[01]\d|2[0-3])[0-5]\d[0-5]\d)?|(\d{4})-(\d{1,2})-(\d{1,2})"
    r"|(\d{4})\.(\d{1,2})\.(\d{1,2})(?!\.\d)|(\d{4})年(\d{1,2})月(\d{1,2})日)(?!\d)(?!\s*日?[之以]?前)",
    re.ASCII,
)
_PLAIN_NUMBER = re.compile(r"^-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?$", re.ASCII)
_BRACKETS = re.compile(r"[(（\[【〔][^)）\]】〕]*[)）\]】〕]?")
_BETWEEN_PERSONS = re.compile(r"[、，,;；/／&＆+＋|\r\n]")
_AND_OTHERS = re.compile(r"(?<=..)等(?:[0-9０-９一二三四五六七八九十两几多数]+)?(?:人|名|位|名同志|位同志|同志)?$")
_PHONE_WORD = re.compile(r"(?:电话|手机|联系方式|tel)?[:：]?\+?[0-9０-９()（）*-]+", re.IGNORECASE)
# What a spreadsheet makes of a number like 1-2 or of a long one, as its CSV has it: 1月2日, 2-Jan, Jan-20, 2020/1/2, 1.23E+11, TRUE.
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_KEY_OF_PROGRAM = re.compile(
    r"\d{1,2}月\d{1,2}日|\d{4}年\d{1,2}月(?:\d{1,2}日)?|\d{4}/\d{1,2}/\d{1,2}"
    rf"|(?:\d{{1,2}}-)?(?:{_MONTHS})-\d{{2}}|\d{{1,2}}-(?:{_MONTHS})|\d(?:\.\d+)?E\+\d+|TRUE|FALSE|#+",
    re.ASCII,
)
#: Words beside an amount that name its unit, by what the unit is in yuan; and what else may stand there.
_UNIT_WORDS = {Decimal(1): {"元", "圆"}, Decimal(10_000): {"万元", "万"}}
_CURRENCY_WORDS = re.compile(r"^(?:人民币|RMB|CNY)?[¥￥$]?")
_INTEGRAL = re.compile(r"^([1-9][0-9]*|0)\.0+$")
_SHORT = frozenset(["key", "name", "person", "township", "village"])
#: An identity number, and what a certificate of disability adds to it.
_IDENTITY, _CERTIFICATE = re.compile(r"[0-9]{17}[0-9X]"), re.compile(r"[0-9]{17}[0-9X](?:(?:[0-9A-Z]{2}){1,2})?")
_NUMBER_WORDS = re.compile("[十百千万亿半%‰成]")


@dataclass(frozen=True)
class Value:
    """A typed value, or the id of the cell rule that the cell breaks. `value` is None for a blank cell and for a broken one."""

    value: Any = None
    broken: str | None = None


@dataclass(frozen=True)
class CellContext:
    """What a cell cannot say of itself."""

    report_on: date
    words: Words
    vocabulary: Vocabulary | None = None
    factor: Decimal | None = None
    uses_1904: bool = False


BLANK = Value()


def is_blank(cell: Cell, words: Words, is_free_text: bool = False) -> bool:
    """True for an empty cell, a picture, and the words clerks and programs put for "nothing"; NFKC only outside free text."""
    if not isinstance(cell, str):
        return cell is None or isinstance(cell, Picture)
    text = cell.strip() if is_free_text else fold(cell)
    return not text or (len(text) <= words.longest_blank and sign(text) in words.blank)


def is_no_value(cell: Cell, words: Words) -> bool:
    """True for a word that refers to another cell or to later (同上, 待定)."""
    return isinstance(cell, str) and len(cell) <= MAX_NAME and (sign(cell) in words.no_value or sign(fold(cell)) in words.no_value)


def is_misleading(cell: Cell, column: Column, factor: Decimal | None = None) -> bool:
    """True for a cell that shows something else than it stores: another amount, unit or key, or nothing at all."""
    if isinstance(cell, StyledText):
        return _is_misleading_text(cell, column, factor)
    if not isinstance(cell, Number) or not cell.format:
        return False
    seen = number_formats.shown(cell.format, cell.digits)
    stored = Decimal(cell.digits)
    if column.type == "key":
        return key_text(seen.text.replace(",", "")) != key_text(cell)
    if column.type == "date":
        found = _from_number(cell.digits, False)
        return seen.number != stored and (found is None or _from_text(seen.text, None) != found)
    if column.type == "month":
        return seen.number != stored and _month_in(seen.text) != _month_in(cell)
    if column.type not in {"money", "number", "count", "percent", "year"} or stored == 0:
        return False  # a zero may be shown as 0, as a dash, or not at all
    if column.type == "percent" and seen.is_percent:
        stored *= 100
    if seen.number is None or seen.is_scaled or abs(seen.number - stored) * 2 > seen.step:
        return True
    match column.type:
        case "money":
            return _CURRENCY_WORDS.sub("", seen.words) not in {"", *_UNIT_WORDS.get(factor or Decimal(1), ())}
        case "percent":
            return seen.words not in {"", "%"}
        case "year":
            return seen.words not in {"", "年", "年度"}
        case _:
            return bool(_NUMBER_WORDS.search(seen.words))


def _is_misleading_text(cell: StyledText, column: Column, factor: Decimal | None) -> bool:
    match column.type:
        case "key":
            return key_text(cell.shown) != key_text(cell)
        case "date":
            return _from_text(cell.shown, None) != _from_text(cell, None)
        case "money":
            return number(cell.shown, factor or Decimal(1)) != number(cell, factor or Decimal(1))
        case "month" | "number" | "count" | "percent" | "year":
            return fold(cell.shown) != fold(cell)
        case _:
            return False


def read_cell(cell: Cell, column: Column, context: CellContext) -> Value:
    """The typed value of a cell of `column`; R09 and R10 before anything else, then the rule of the column's type.

    `township` and `village(s)` come back as folded text: matching them is the business of `duban.intake.places`.
    """
    if isinstance(cell, Faulty) or (isinstance(cell, str) and cell.strip() in _ERRORS):
        return Value(broken="R09")
    if context.vocabulary and (stored := context.vocabulary.stored(display(cell), context.report_on)) is not None:
        return Value(stored)  # also of a word that means nothing elsewhere
    if is_blank(cell, context.words, is_free_text=column.type == "text"):
        return BLANK
    if isinstance(cell, str) and (broken := _unreadable(cell, column)):
        return Value(broken=broken)
    if is_misleading(cell, column, context.factor):
        return Value(broken={"key": "R10", "date": "R02", "month": "R02"}.get(column.type, "R03"))
    match column.type:
        case "text" | "name" | "person":
            return Value(broken="R10") if is_no_value(cell, context.words) else Value(_free_text(display(cell)) or None)
        case "key":
            text = key_text(cell)
            return Value(broken="R10") if is_no_key(cell) or is_no_value(cell, context.words) or identifies_person(text) else Value(text)
        case "township" | "village" | "villages":
            return Value(fold(display(cell)))
        case "vocabulary":
            return Value(broken="R04")
        case "date" | "month":
            found = (calendar_date if column.type == "date" else calendar_month)(cell, context.report_on, context.uses_1904)
            return Value(found) if found else Value(broken="R02")
        case "money":
            return _or_broken(_money(cell, context.factor))
        case "number":
            return _or_broken(_money(cell, Decimal(1)) if not _has_unit(cell) else None)
        case "percent":
            return _or_broken(_percent(cell))
        case "count":
            return _or_broken(_whole(number(cell), 0, 10**9))
        case "year":
            year = number(fold(display(cell)).removesuffix("年"))
            return _or_broken(_whole(year, FIRST_YEAR, context.report_on.year + YEARS_AHEAD))
        case "id_number":
            return _certificate(cell, _IDENTITY)
        case "certificate":
            return _certificate(cell, _CERTIFICATE)
        case unknown:
            raise AssertionError(f"column type {unknown!r} has no reader")


def _or_broken(value: Decimal | int | None) -> Value:
    return Value(broken="R03") if value is None else Value(value)


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _unreadable(text: str, column: Column) -> str | None:
    """R10 when the text is too long or holds characters that are no text."""
    if len(text) <= MAX_NAME and is_plain(text):
        return None
    if written_length(text, column) > (MAX_NAME if column.type in _SHORT else MAX_TEXT):
        return "R10"
    if column.type not in {"key", "person"} and text.isprintable() and "\ufffd" not in text:
        return None  # nothing of what is looked for below is printable; this is so of nearly every cell
    for character in text:
        category = unicodedata.category(character)
        # Letters that look like A, B, O … and are others: the same number written twice would be two keys.
        if column.type == "key" and "\u0370" <= character <= "\u052f":
            return "R10"
        if character == "\ufffd" or category in {"Co", "Cs"} or (category == "Cn" and ord(character) & 0xFFFE == 0xFFFE):
            return "R10"
        if column.type == "person" and (character in "?？" or _is_picture(character)):
            return "R10"
        if category == "Cc" and character not in "\t\n\r" and column.type not in {"text", "name"}:
            return "R10"
    return None


def written_length(text: str, column: Column) -> int:
    """How long a text is by which R10 judges: without what is left aside when it is read."""
    match column.type:
        case "key":
            return len(fold_key(text))
        case "township" | "village" | "villages":
            return len(fold(text))
        case _:
            return len(text.strip())


def _is_picture(character: str) -> bool:
    """Emoji and other pictures; ○ and □, by which names are blotted out in copies, are none."""
    return unicodedata.category(character) == "So" and not 0x2500 <= ord(character) <= 0x25FF


def _free_text(text: str) -> str:
    """Free text as written, without surrounding white space and control characters."""
    text = text.strip()
    return text if text.isprintable() else "".join(c for c in text if unicodedata.category(c) != "Cc" or c in "\t\n")


def key_text(cell: Cell) -> str:
    """A key: white space removed, dashes and quotes of one kind, case kept, an integral number is its digits (`1.0` = `1`, never `001`)."""
    text = fold_key(display(cell))
    return _INTEGRAL.sub(r"\1", text) if "." in text else text


def is_no_key(cell: Cell) -> bool:
    """True for what a program made of a number that was typed: a date, a truth value, a fraction, a number without its last digits."""
    match cell:
        case Number(digits):
            # Beyond 15 digits a spreadsheet has rounded the number: whatever it was, it is not this.
            return "." in digits or len(digits.lstrip("-")) > 15
        case str():
            return bool(_KEY_OF_PROGRAM.fullmatch(fold_key(cell)))
        case _:
            return True


def people(text: str, words: Words) -> int:
    """1 when the text names one person, more when it names several.

    Text in brackets, telephone numbers and offices beside a name (副镇长 郭小林) are left aside; white space, 和, 及 and 与 separate only
    between parts of two or more characters (张 三 and 李和平 are one person each). 郭小林等 and 郭小林等3人 are several.
    """
    count = 0
    parts = [[word for word in part.split() if not _PHONE_WORD.fullmatch(word)] for part in _BETWEEN_PERSONS.split(_BRACKETS.sub("", text))]
    names = [[word for word in part if not words.office.fullmatch(word.strip(":："))] for part in parts]
    if any(names):  # an office alone stands for whoever holds it
        parts = names
    for part in filter(None, parts):
        joined = "".join(part)
        count += 1 + sum(len(left) >= 2 and len(right) >= 2 for left, right in pairwise(part))
        count += len(re.findall(r"(?<=..)[和及与](?=..)", joined)) + bool(_AND_OTHERS.search(joined))
    return count


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def calendar_date(cell: Cell, report_on: date, uses_1904: bool = False) -> date | None:
    """The date a cell names, or None (R02): unreadable, before 2014, or more than five years after the report year."""
    return _in_reach(_named_date(cell, report_on, uses_1904), report_on)


def calendar_month(cell: Cell, report_on: date, uses_1904: bool = False) -> date | None:
    """The first day of the month that a cell names, by itself or by a date; None (R02) as `calendar_date`."""
    found = _in_reach(_month_in(cell) or _named_date(cell, None, uses_1904), report_on)
    return found and found.replace(day=1)


def _named_date(cell: Cell, report_on: date | None, uses_1904: bool) -> date | None:
    """The date a cell names, of any year; a text without a year only where `report_on` gives it one."""
    match cell:
        case date():
            return cell
        case Number(digits, _):
            return _from_number(digits, uses_1904)
        case str():
            return _from_text(cell, report_on)
    return None


def _in_reach(found: date | None, report_on: date) -> date | None:
    return found if found and FIRST_YEAR <= found.year <= report_on.year + YEARS_AHEAD else None


def _month_in(cell: Cell) -> date | None:
    """The first day of a month that is written without a day."""
    match cell:
        case Number(digits, _):
            text = digits
        case str():
            text = _bare(unicodedata.normalize("NFKC", cell).strip())
        case _:
            return None
    found = _MONTH.match(text)
    return _date(*(part for part in found.groups() if part), "1") if found else None


def report_date(cell: Cell, uses_1904: bool = False) -> date | None:
    """The report date a 填报日期 cell names, from 2014 on: a full date, also with spaces in it.

    What follows the date after white space is left aside.
    """
    if isinstance(cell, str):
        text = unicodedata.normalize("NFKC", cell).strip()
        found = _from_text(text, None) or _from_text(fold(text), None) or _from_text(text.split()[0], None)
    else:
        found = _named_date(cell, None, uses_1904)
    return found if found and found.year >= FIRST_YEAR else None


def dates_in_name(name: str) -> set[date]:
    """Every date a file name states (`20200624`, `20200624153000`, `2020-06-24`, `2020.6.24`, `2020年6月24日`, not touching other digits);
    a day followed by 前 is a deadline.
    """
    found = _DATE_IN_NAME.finditer(unicodedata.normalize("NFKC", name))
    return {day for match in found if (day := _date(*filter(None, match.groups()))) and day.year >= FIRST_YEAR}


def _from_number(digits: str, uses_1904: bool) -> date | None:
    whole, _, _ = digits.partition(".")
    if not whole.isdigit():
        return None
    if len(digits) == 8 and (match := _COMPACT_DATE.match(digits)):
        return _date(*match.groups())
    if int(whole) not in _SERIALS:
        return None
    return date(1899, 12, 30) + timedelta(days=int(whole) + (_1904_OFFSET if uses_1904 else 0))


def _from_text(text: str, report_on: date | None) -> date | None:
    text = _arabic(_bare(unicodedata.normalize("NFKC", text).strip()))
    if match := _COMPACT_DATE.match(text):
        return _date(*match.groups())
    if _ZONED.match(text):
        return _in_shanghai(text)
    if (match := _DATE.match(text)) and _TIME_PART.match(text[match.end() :]):
        return _date(*(part for part in match.groups() if part))
    if (match := _DAY_OF_YEAR.match(text)) and report_on and report_on.month not in {1, 12}:
        return _date(str(report_on.year), *(part for part in match.groups() if part))
    return None


def _bare(text: str) -> str:
    """A text without what keeps a spreadsheet from reading it: ="2020-04-13", '2020-04-13."""
    found = re.fullmatch(r'="([^"]*)"', text)
    return found[1].strip() if found else text.lstrip("'‘’")


def is_time(text: str) -> bool:
    """True for what may follow a date: nothing, or a time of day."""
    return bool(_TIME_PART.match(text))


def _in_shanghai(text: str) -> date | None:
    """The day of a moment with a time zone; None when it is another day in Shanghai than the one written."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.date() if moment.astimezone(TIMEZONE).date() == moment.date() else None


def _arabic(text: str) -> str:
    """A date in Chinese numerals (二〇二〇年六月二十四日) with Arabic ones; other text unchanged."""
    if not re.match(r"^[〇○零一二三四五六七八九十年]*[一二三四五六七八九十]+月[一二三四五六七八九十]+日$", text):
        return text
    year, has_year, rest = text.rpartition("年")
    month, _, day = rest.partition("月")
    digits = "".join(str(_CHINESE_DIGITS[c]) if c in _CHINESE_DIGITS else c for c in year)
    return f"{digits}{has_year}{_up_to_99(month)}月{_up_to_99(day.removesuffix('日'))}日"


def _up_to_99(text: str) -> str:
    if not text or not all(c in _CHINESE_DIGITS or c == "十" for c in text) or text.count("十") > 1:
        return text
    if "十" not in text:
        return str(_CHINESE_DIGITS[text]) if len(text) == 1 else text
    tens, _, ones = text.partition("十")
    if len(tens) > 1 or len(ones) > 1:
        return text
    return str((_CHINESE_DIGITS[tens] if tens else 1) * 10 + (_CHINESE_DIGITS[ones] if ones else 0))


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def number(cell: Cell, factor: Decimal | None = None) -> Decimal | None:
    """The number a cell holds, times `factor`; None when it is not plainly a number."""
    match cell:
        case Number(digits, _) if len(digits) <= MAX_DIGITS:
            found = Decimal(digits)
        case str():
            text = unicodedata.normalize("NFKC", cell).strip()
            if factor is not None:
                text = text.removesuffix("万元" if factor == 10_000 else "元").rstrip()
            if negative := re.match(r"^\((.+)\)$", text):
                text = negative[1].strip()
            if factor is not None:
                text = text.removeprefix("¥").lstrip()  # NFKC made ￥ a ¥
            if len(text) > MAX_DIGITS or not _PLAIN_NUMBER.match(text) or (negative and text.startswith("-")):
                return None
            found = Decimal(text.replace(",", ""))
            found = -found if negative else found
        case _:
            return None
    return found if factor is None else found * factor


def _money(cell: Cell, factor: Decimal | None) -> Decimal | None:
    yuan = number(cell, factor or Decimal(1))
    if is_phone_number(display(cell).strip()):
        return None  # fifteen thousand million yuan, or a telephone in the wrong column: it would be printed on every page
    if yuan is None or abs(yuan) >= MAX_YUAN or yuan != yuan.quantize(Decimal("0.01")):
        return None
    return yuan.quantize(Decimal("0.01"))


def _percent(cell: Cell) -> Decimal | None:
    if isinstance(cell, Number):
        is_marked = cell.is_percent
        found = Decimal(cell.digits) * (100 if is_marked else 1)
    elif isinstance(cell, str):
        is_marked = fold(cell).endswith("%")
        found = number(fold(cell).removesuffix("%"))
    else:
        return None
    is_doubtful = found is not None and not is_marked and 0 < found <= 1
    return None if found is None or is_doubtful or abs(found) >= 10**6 or found != round(found, 6) else found


def _whole(found: Decimal | None, least: int, most: int) -> int | None:
    if found is None or found != found.to_integral_value() or not least <= found <= most:
        return None
    return int(found)


def _has_unit(cell: Cell) -> bool:
    return isinstance(cell, str) and bool(re.search("[元¥]", unicodedata.normalize("NFKC", cell)))


def _certificate(cell: Cell, form: re.Pattern[str]) -> Value:
    """An identity number of 18 characters with a right check digit (GB 11643), or what begins with one; R07 otherwise, and for any number
    cell.
    """
    if not isinstance(cell, str):
        return Value(broken="R07")
    text = fold(cell).lstrip("'’‘").upper()
    return Value(text) if form.fullmatch(text) and has_right_check_digit(text[:18]) else Value(broken="R07")
