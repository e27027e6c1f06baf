"""Text compared and text shown: folding for comparison, masking for everybody but the sender."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from duban.text.names import without_names

#: Signs that are typed, or put by a program, for a hyphen; and for quotes.
DASHES = str.maketrans(dict.fromkeys("\u02d7\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2500\u2501\u30fc\ufe58\ufe63\uff0d", "-"))
_QUOTES = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u301d\u301e\uff02", '"') | dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\uff07", "'")
)
_PLAIN = re.compile("[0-9A-Za-z\u4e00-\u9fff-]+")
_SPACE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")
# Numbers of persons as clerks write them; \d is a digit of any script, full-width ones too. Whatever has 15 digits or more without a break
# is masked: identity numbers, right or wrong, with something glued to them, and numbers of bank accounts.
_LONG = re.compile(r"(?<!\d)\d{14,}[\dXxＸｘ](?!\d)")
_MOBILE = r"(?:(?:[0０]{2})?[8８][6６]|[0０])?[1１][3-9３-９]\d{9}"
_AREA_CODE = r"[0０][1-9１-９]\d{1,2}"
_DAY = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DAY_OF_LEDGERS = re.compile(r"20(?:1[4-9]|[2-9]\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_PHONE = re.compile(rf"(?<!\d)(?:{_MOBILE}|{_AREA_CODE}[-—－\s()（）]{{0,3}}(?!{_DAY}(?!\d))[2-9２-９]\d{{6,7}})(?!\d)")
# Passports of our own (E and G with 8 digits, E and a letter with 7), and after the word for a document whatever it may be numbered with.
_LETTER = "A-Za-zＡ-Ｚａ-ｚ"
_PASSPORT = re.compile(rf"(?<![{_LETTER}\d])[EGegＥＧｅｇ](?:(?!{_DAY}(?!\d))\d{{8}}|(?<=[EeＥｅ])[{_LETTER}]\d{{7}})(?!\d)")
_NAMED_DOCUMENT = re.compile(
    rf"((?:护照|通行证|旅行证|居留证|居住证|台胞证|回乡证|证件号|证号)\D{{0,6}}?)"
    rf"(?<![{_LETTER}\d])([{_LETTER}]{{0,3}}[ -]?(?!{_DAY}(?!\d))\d{{7,10}}[{_LETTER}]?)(?![{_LETTER}\d])"
)
_NAMED_PHONE = re.compile(r"((?:电话|座机|热线|手机|联系方式|联系人)\D{0,6}?)((?<!\d)\d{7,8}(?!\d))")
# In groups, as on a card (430902 19900101 1234, 138-1234-5678), or with a stroke, a point or something invisible between the digits.
_BETWEEN = r"[\s\-‐-―−－_.．·•・,，:：/／|\u200b-\u200f\u2060\ufeff]"
_GROUPED = re.compile(rf"(?<![\d*])\d+(?:{_BETWEEN}{{1,3}}\d+)+(?:{_BETWEEN}{{0,3}}[XxＸｘ])?(?!\d)")
_GROUP = re.compile(r"\d+|[XxＸｘ]")
# Numbers may be written in Chinese: 四三〇九〇二…, 肆叁零玖….
_NUMERALS = str.maketrans("〇○◯零一二三四五六七八九壹贰貳叁參肆伍陆陸柒捌玖幺", "00001234567891223345667891")
_IN_NUMERALS = re.compile(rf"[\d{''.join(map(chr, _NUMERALS))}](?:{_BETWEEN}{{0,3}}[\d{''.join(map(chr, _NUMERALS))}]){{6,}}")
_SEVEN_DIGITS = re.compile(r"(?:\d\D{0,6}){7}")
_PLAIN_GROUPS = re.compile(r"[\d -]+[XxＸｘ]?")
_MOST_GROUPS_OF_A_PHONE = 4
# Digits of a number of a person: the fewest, the fewest with an area code that is not set apart, the most.
_SHORTEST, _SHORTEST_WITH_AREA, _MOST_DIGITS = 10, 11, 18
# The first two digits of a division.
_PROVINCES = frozenset(
    map(str, (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83, 91))
)
#: An identity number, also as a certificate of disability begins with one: two or four digits more.
_IDENTITY = re.compile(r"(?<![0-9])([0-9]{17}[0-9Xx])(?:[0-9]{2}){0,2}(?![0-9])")
_DIGIT, _MOBILE_ALONE = re.compile(r"\d"), re.compile(rf"(?<!\d){_MOBILE}(?!\d)")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
#: Nobody born later is the head of a household; a key made of division, day and serial number is not taken for one who was.
_LAST_YEAR_OF_BIRTH = 2010
# A mobile number in parts, as a key may hold it: 3-4-4, 3-8 or 7-4 digits, with 86 before them or not, or every digit by itself.
_BETWEEN_PARTS = r"[\W_]{1,3}"
_MOBILE_IN_PARTS = re.compile(
    rf"(?<!\d)(?:(?:00)?86{_BETWEEN_PARTS}|(?:00)?86|0)?"
    rf"(?=1(?:{_BETWEEN_PARTS})?[3-9])(?:\d{{3}}{_BETWEEN_PARTS}\d{{4}}{_BETWEEN_PARTS}\d{{4}}|\d{{3}}{_BETWEEN_PARTS}\d{{8}}"
    rf"|\d{{7}}{_BETWEEN_PARTS}\d{{4}}|\d(?:{_BETWEEN_PARTS}\d){{10}})(?!\d)"
)


def fold(text: str) -> str:
    """Text as headers, sheet names, keys and vocabulary are compared: NFKC, no white space, no zero-width characters."""
    return _folded(text) if len(text) <= 64 else _folded.__wrapped__(text)


@lru_cache(maxsize=8192)  # of short texts: the words of a ledger repeat in every row
def _folded(text: str) -> str:
    return _SPACE.sub("", unicodedata.normalize("NFKC", text))


def is_plain(text: str) -> bool:
    """True for digits, Latin and common Chinese letters, and hyphens, as keys are made of: however it is folded it stays as it is."""
    return _PLAIN.fullmatch(text) is not None


def fold_key(text: str) -> str:
    """Text as keys are compared: folded, with one kind of dash and quote, without what keeps a spreadsheet from taking it for a number
    (="0012", '0012).
    """
    if is_plain(text):
        return text
    text = fold(text).translate(DASHES).translate(_QUOTES)
    if found := re.fullmatch(r'=?"(.*)"', text):
        text = found[1].replace('""', '"')
    return text.lstrip("'")


@lru_cache(maxsize=8192)  # of short texts only: they are asked after
def sign(text: str) -> str:
    """Text as the words for nothing are compared: without white space around it, small letters, one kind of dash."""
    return text.strip().casefold().translate(DASHES)


def visible(text: str) -> str:
    """The text with every character that cannot be seen, or turns others around, written out: `\\u202e`."""
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} else c for c in text)


def mask_text(text: str, holder_name: str | None = None) -> str:
    """Free text with numbers of persons masked (`4309**********1234`, `138****5678`), and the household head of the same row (`王**`).

    Names of others cannot be told from words.
    """
    if holder_name:
        text = without_names(text, holder_name)
    in_digits = _in_digits(text)
    if not _SEVEN_DIGITS.search(in_digits):
        return text
    masked = _LONG.sub(lambda match: _starred(match[0], 4), in_digits)
    masked = _PASSPORT.sub(lambda match: _starred(match[0], 1), masked)
    masked = _NAMED_DOCUMENT.sub(lambda match: match[1] + _starred(match[2], 1), masked)
    masked = _PHONE.sub(lambda match: _starred(match[0], 3), masked)
    masked = _NAMED_PHONE.sub(lambda match: match[1] + _starred(match[2], 0), masked)
    masked = _GROUPED.sub(lambda match: _mask_grouped(match[0]), masked)
    if in_digits == text:
        return masked
    return "".join("*" if shown == "*" else own for shown, own in zip(masked, text, strict=True))


def _in_digits(text: str) -> str:
    """The text with long numbers in Chinese numerals in digits, character by character."""
    return _IN_NUMERALS.sub(lambda match: match[0].translate(_NUMERALS), text)


def _mask_grouped(text: str) -> str:
    """Digits in groups, with what is between them: the whole if it is a number of a person, else every stretch of groups that is one."""
    groups = list(_GROUP.finditer(text))
    digits = "".join(group[0] for group in groups)
    if _PLAIN_GROUPS.fullmatch(text) and len(digits) in {15, 18} and not _DAY_OF_LEDGERS.search(digits):
        return _starred(text, 4)
    parts, end, first = [], 0, 0
    while first < len(groups):
        found, part = None, groups[first][0]
        for last in range(first + 1, len(groups)):
            part += groups[last][0]
            if len(part) > _MOST_DIGITS:
                break
            if len(part) < _SHORTEST:
                continue
            count = last - first + 1
            # in a few groups, or every digit by itself
            if (count <= _MOST_GROUPS_OF_A_PHONE or count == len(part)) and _is_like_a_phone(groups[first][0], part):
                found = (last, 3)
            elif _is_like_an_id_number(part):
                found = (last, 4)
        if found:
            last, kept = found
            begin, after = groups[first].start(), groups[last].end()
            parts += [text[end:begin], _starred(text[begin:after], kept)]
            end, first = after, last
        first += 1
    return "".join([*parts, text[end:]])


def _is_like_a_phone(first: str, digits: str) -> bool:
    """A mobile number; one with an area code in a group of its own, or so long that it can be no date."""
    return bool(_PHONE.fullmatch(digits) and (len(digits) >= _SHORTEST_WITH_AREA or re.fullmatch(_AREA_CODE, first)))


def _is_like_an_id_number(digits: str) -> bool:
    """18 or 15 characters that begin with a province and hold a day of birth; the check digit may be wrong, but not that of a child: file
    names are made of a division, a day and a serial number (430902-20200624-0001).
    """
    if len(digits) not in {15, 18}:
        return False
    digits = unicodedata.normalize("NFKC", digits).upper()
    if digits[:2] not in _PROVINCES or not digits[:17].isdecimal():
        return False
    born = digits[6:14] if len(digits) == 18 else "19" + digits[6:12]
    is_day = "1850" <= born[:4] <= "2099" and "01" <= born[4:6] <= "12" and "01" <= born[6:] <= "31"
    return is_day and (not _DAY_OF_LEDGERS.fullmatch(born) or has_right_check_digit(digits))


def has_right_check_digit(id_number: str) -> bool:
    """True for an identity number of 18 characters whose last one fits the others (GB 11643)."""
    return id_number[17] == _ID_CHECK[sum(int(digit) * weight for digit, weight in zip(id_number, _ID_WEIGHTS, strict=False)) % 11]


def is_phone_number(text: str) -> bool:
    """True when the text is a telephone number with its area code, or of a mobile telephone, and nothing else."""
    return bool(_PHONE.fullmatch(text))


def identifies_person(text: str) -> bool:
    """True for a (folded) key that holds somebody's identity number or mobile number, whatever is beside it: a key stands everywhere.

    Keys may be made of a division, a day and a serial number, and have as many digits: only a right check digit and a year of birth count,
    and digits in parts are no telephone when the last eight are a day (150-2020-0613).
    """
    text = _in_digits(text)
    if len(_DIGIT.findall(text)) < _SHORTEST_WITH_AREA:
        return False
    if _MOBILE_ALONE.search(text):
        return True
    if any(not _DAY_OF_LEDGERS.fullmatch(re.sub(r"\D", "", found[0])[-8:]) for found in _MOBILE_IN_PARTS.finditer(text)):
        return True
    numbers = (found[1].upper() for found in _IDENTITY.finditer(re.sub(_BETWEEN, "", text)))
    return any(_is_like_an_id_number(n) and has_right_check_digit(n) and int(n[6:10]) <= _LAST_YEAR_OF_BIRTH for n in numbers)


def shown_names(names: Iterable[str]) -> list[str]:
    """Names of sheets as others may see them, masked, and still different where they were."""
    shown: list[str] = []
    for name in names:
        masked = mask_text(name)
        same = sum(other.startswith(masked) for other in shown)
        shown.append(f"{masked}({same + 1})" if masked != name and same else masked)
    return shown


def _starred(text: str, kept: int) -> str:
    """Of its digits the first `kept` and the last four, stars for the others; what stands between them stays."""
    places = [place for place, character in enumerate(text) if character.isalnum()]
    hidden = set(places[kept:-4])
    return "".join("*" if place in hidden else character for place, character in enumerate(text))


def mask_name(text: str) -> str:
    """A person's name as others may see it: the first character, then stars."""
    return text[:1] + "*" * (len(text) - 1)


def mask_id_number(text: str) -> str:
    """What stands in a column of identity numbers, right or wrong, as others may see it: of a long number the first and last four
    characters, of a short one the first two, of a name (in the wrong column) the first.
    """
    if not text[:2].isdecimal():
        return mask_name(text)
    kept = 4 if len(text) >= 15 else 0
    return text[:kept] + "*" * (len(text) - 2 * kept) + text[len(text) - kept :] if kept else text[:2] + "*" * max(0, len(text) - 2)
