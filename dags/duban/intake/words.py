"""Text compared and text shown: folding for comparison, masking for everybody but the sender."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

#: Signs that are typed, or put by a program, for a hyphen; and for quotes.
DASHES = str.maketrans(dict.fromkeys("\u02d7\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2500\u2501\u30fc\ufe58\ufe63\uff0d", "-"))
_QUOTES = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u301d\u301e\uff02", '"') | dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\uff07", "'")
)
_SPACE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")
# Numbers of persons as clerks write them; \d is a digit of any script, full-width ones too. Whatever has 15 digits or more without a break
# is masked: identity numbers, right or wrong, with something glued to them, and numbers of bank accounts.
_LONG = re.compile(r"(?<!\d)\d{14,}[\dXxＸｘ](?!\d)")
_MOBILE = r"(?:(?:[0０]{2})?[8８][6６]|[0０])?[1１][3-9３-９]\d{9}"
_AREA_CODE = r"[0０][1-9１-９]\d{1,2}"
_DAY = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DAY_OF_LEDGERS = re.compile(r"20(?:1[4-9]|[2-9]\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_PHONE = re.compile(rf"(?<!\d)(?:{_MOBILE}|{_AREA_CODE}[-—－\s()（）]{{0,3}}(?!{_DAY}(?!\d))[2-9２-９]\d{{6,7}})(?!\d)")
_NAMED_PHONE = re.compile(r"((?:电话|座机|热线|手机|联系方式|联系人)\D{0,6}?)((?<!\d)\d{7,8}(?!\d))")
# In groups, as on a card (430902 19900101 1234, 138-1234-5678), or with a stroke, a point or something invisible between the digits.
_BETWEEN = r"[\s\-‐-―−－_.．·•・,，:：/／|\u200b-\u200f\u2060\ufeff]"
_GROUPED = re.compile(rf"(?<![\d*])\d+(?:{_BETWEEN}{{1,3}}\d+)+(?:{_BETWEEN}{{0,3}}[XxＸｘ])?(?!\d)")
_GROUP = re.compile(r"\d+|[XxＸｘ]")
_SEVEN_DIGITS = re.compile(r"(?:\d\D{0,6}){7}")
_PLAIN_GROUPS = re.compile(r"[\d -]+[XxＸｘ]?")
_MOST_GROUPS_OF_A_PHONE = 4
# Digits of a number of a person: the fewest, the fewest with an area code that is not set apart, the most.
_SHORTEST, _SHORTEST_WITH_AREA, _MOST_DIGITS = 10, 11, 18
# The first two digits of a division.
_PROVINCES = frozenset(
    map(str, (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83, 91))
)
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
#: Names in a longer cell are not looked for: the row goes back.
MAX_NAME = 64
# Characters of names: Chinese ones, rare planes and private use too, and those that stand for a lost one.
_HAN = "\u2e80-\u2fdf\u3005\u3007\u3400-\u9fff\ue000-\ufaff\ufffd\U00020000-\U000e00ff\U000f0000-\U0010ffff"
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
# What is left aside between the characters of a name: points as in 买买提·艾力, in every spelling, white space, what cannot be seen.
_POINTS = ".·•‧∙⋅・．･᛫⸱\u0387"
_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef"
_UNSEEN = re.compile(f"[{_INVISIBLE}]+")
_GAP = re.compile(rf"[\s{_INVISIBLE}{_POINTS}_-]+")
_NOT_GAP = re.compile(rf"[^\s{_INVISIBLE}{_POINTS}_-]")
_POINTED = re.compile(rf"[{_HAN}]+(?:\s*[{_POINTS}]\s*[{_HAN}]+)*")
_RUN = re.compile(f"[{_HAN}]+")
# Radicals and doubles: each is compared as the one character that it looks like.
_DOUBLE = re.compile("[\u2e80-\u2fdf\uf900-\ufaff\U0002f800-\U0002fa1f]")
# What stands beside a name in its cell; a cell of nothing else names nobody.
_KINDS = "(?:贫困|脱贫|低保|五保|特困|监测|危房|困难|建档立卡|残疾|一般|普通)[户人]?|农户|住户|村民|居民|群众|等人?"
_BEFORE = re.compile(
    rf"(?:原?户主(?:姓名)?|姓名|申请人|申报人|联系人|当事人|信访人|反映人|受益人|代理人|已故|{_KINDS}"
    "|其?(?:妻子|丈夫|儿子|女儿|母亲|父亲)|其[妻夫子女母父])"
)
_AFTER = re.compile(
    rf"(?:[等共]?[一二三四五六七八九十百两几数多各全0-9]+[户人口名位家组]|{_KINDS}|户主|户|一?家人?|男|女|同志|先生|女士|老人|本人|家属|遗属"
    r"|(?:已|病)?故|已?死亡|已?去世|亡|[之的]?(?:夫妇|夫妻|妻子?|丈夫|夫|儿子|女儿|子女|子|母亲?|父亲?)|外出|务工)$"
)
_NOBODY = re.compile(
    r"|[无村组]|村?集体|[全本各]体?[村组户]?|不详|不明|未知|暂[无缺]|其[他它]|详?见?附[表件]|名单|[汉回苗瑶侗壮满藏彝]族|土家族|维吾尔族|蒙古族"
)
_PLACE = re.compile("[村组镇乡]|社区|街道|委会|集体|支部|政府|公司|合作社|学校|小学|中学|医院")
_LONGEST_PLAIN_NAME = 4


def fold(text: str) -> str:
    """Text as headers, sheet names, keys and vocabulary are compared: NFKC, no white space, no zero-width characters."""
    return _folded(text) if len(text) <= 64 else _folded.__wrapped__(text)


@lru_cache(maxsize=8192)  # of short texts: the words of a ledger repeat in every row
def _folded(text: str) -> str:
    return _SPACE.sub("", unicodedata.normalize("NFKC", text))


def fold_key(text: str) -> str:
    """Text as keys are compared: folded, with one kind of dash and quote, without what keeps a spreadsheet from taking it for a number
    (="0012", '0012).
    """
    text = fold(text).translate(DASHES).translate(_QUOTES)
    if found := re.fullmatch(r'=?"(.*)"', text):
        text = found[1].replace('""', '"')
    return text.lstrip("'")


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
        text = _without_names(text, holder_name)
    if not _SEVEN_DIGITS.search(text):
        return text
    text = _LONG.sub(lambda match: _starred(match[0], 4), text)
    text = _PHONE.sub(lambda match: _starred(match[0], 3), text)
    text = _NAMED_PHONE.sub(lambda match: match[1] + _starred(match[2], 0), text)
    return _GROUPED.sub(lambda match: _mask_grouped(match[0]), text)


def _without_names(text: str, holder_name: str) -> str:
    """The text with each name of a cell masked wherever it stands, also with spaces or points in it; without any Chinese when the cell
    is too long for names.
    """
    if len(holder_name) > MAX_NAME:
        return _HAN_CHARACTER.sub("*", text)
    plain = _plain(text)
    if not (found := [name for name in _names_in(holder_name) if name in plain]):
        return text
    characters, places = list(text), [match.start() for match in _NOT_GAP.finditer(text)]
    for name in found:
        start = plain.find(name)
        while start >= 0:
            first, last = places[start], places[start + len(name) - 1]
            characters[first + 1 : last + 1] = "*" * (last - first)
            start = plain.find(name, start + len(name))
    return "".join(characters)


def _plain(text: str) -> str:
    """Text as names are looked for in it: nothing between characters, and none that looks like another."""
    return _DOUBLE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), _GAP.sub("", text))


@lru_cache(maxsize=1024)  # one cell, all the texts of its row
def _names_in(cell: str) -> tuple[str, ...]:
    """The names in a cell of household heads, each as `_plain` text: every run of Chinese characters and, for names written apart (王 芳),
    neighbours that make up no more than four; with points in them (买买提·艾力) also whole.
    """
    cell = _UNSEEN.sub("", cell)
    runs = _RUN.findall(cell)
    candidates = dict.fromkeys([*(_plain(match[0]) for match in _POINTED.finditer(cell)), *map(_plain, runs)])
    for first in range(len(runs)):
        joined = runs[first]
        for run in runs[first + 1 :]:
            joined += run
            if len(joined) > _LONGEST_PLAIN_NAME:
                break
            candidates[_plain(joined)] = None
    return tuple(dict.fromkeys(name for run in candidates for name in _names_of(run)))


def _names_of(run: str) -> list[str]:
    """The names that a run of characters may be: as it is, and without what stands before and after a name; of one that is longer than most
    names, and no place, also its beginning. Of two characters or more: a surname alone is in every other word.
    """
    names = [run]
    while found := _BEFORE.match(names[-1]):
        names.append(names[-1][found.end() :])
    while found := _AFTER.search(names[-1]):
        names.append(names[-1][: found.start()])
    rest = names[-1]
    if _NOBODY.fullmatch(rest):
        return []
    if len(rest) >= _LONGEST_PLAIN_NAME and not _PLACE.search(rest):
        names += (rest[:length] for length in range(2, _LONGEST_PLAIN_NAME + 1))
    return [name for name in names if len(name) > 1]


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
    if not _PHONE.fullmatch(digits):
        return False
    return bool(len(digits) >= _SHORTEST_WITH_AREA or re.fullmatch(_AREA_CODE, first))


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
    if re.search(rf"(?<!\d){_MOBILE}(?!\d)", text):
        return True
    for found in _MOBILE_IN_PARTS.finditer(text):
        if not _DAY_OF_LEDGERS.fullmatch(re.sub(r"\D", "", found[0])[-8:]):
            return True
    for found in re.finditer(r"(?<![0-9])[0-9]{17}[0-9Xx](?![0-9])", re.sub(_BETWEEN, "", text)):
        number = found[0].upper()
        if _is_like_an_id_number(number) and has_right_check_digit(number) and int(number[6:10]) <= _LAST_YEAR_OF_BIRTH:
            return True
    return False


def names_holder(text: str, holder_name: str | None) -> bool:
    """True for a key that holds a name of the cell of household heads in its row."""
    if not holder_name or len(holder_name) > MAX_NAME:
        return False
    plain = _plain(text)
    return any(name in plain for name in _names_in(holder_name))


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
