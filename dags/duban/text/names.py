"""Names of household heads: which a cell gives away, where they stand in texts, and what looks like one.

In the texts of its own row whatever a cell of 户主姓名 may mean is taken for a name: one row loses a word. In all other texts of the
district only what looks like a name is, or what stands beside an identity number; and so is what stands before 户 and is no word. By what
a name is told from a word, `expectations/names/words.yml` says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import add

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

# What makes another word of 户: 户口, 户籍, 户主 …
_AFTER_HOUSEHOLD = "口籍主外均数厕型用内头"
_ALONE_BEFORE_HOUSEHOLD = re.compile(rf"(?<![{_HAN}*])[{_HAN}]{{2,4}}(?=户(?![{_AFTER_HOUSEHOLD}]))")
_RUN_AT_END = re.compile(f"[{_HAN}]*\\Z")
_LONGEST_BESIDE_A_NUMBER = 8
_HOLDER_NAMED = re.compile("户主(?:姓名)?[:：系是为]?")
_HAN_PAIR = re.compile(f"[{_HAN}]{{2}}")


@dataclass(frozen=True)
class NameWords:
    """`expectations/names/words.yml`: by what a name is told from a word."""

    surnames: frozenset[str]
    compound_surnames: frozenset[str]
    words: frozenset[str]
    before_household: frozenset[str]
    before_household_or_name: frozenset[str]
    before_name: frozenset[str]

    def is_like_a_name(self, text: str) -> bool:
        """True for a surname with a given name of one or two characters (three after a surname of two), unless it begins like a word."""
        rest = len(text) - (2 if text[:2] in self.compound_surnames else 1 if text[:1] in self.surnames else len(text))
        return (
            1 <= rest <= (3 if text[:2] in self.compound_surnames else 2)
            and self.words.isdisjoint((text[:2], text[:3], text))
            and not (rest == 2 and _PLACE.search(text[-1]))
        )

    @classmethod
    def of(cls, spec: Mapping[str, str]) -> NameWords:
        """From what the file says: every list is one text, and each character of `surnames` is one.

        Raises:
            KeyError, TypeError, AttributeError: a list is missing, unknown or no text.
        """
        lists = {name: frozenset(text.split()) for name, text in spec.items()}
        return cls(**{**lists, "surnames": frozenset("".join(lists["surnames"]))})

    @cached_property
    def _endings(self) -> tuple[tuple[str, ...], ...]:
        return tuple(self.before_household), tuple(self.before_household_or_name), tuple(self.before_name)

    def households(self, plain: str) -> Iterator[tuple[int, int]]:
        """Where names stand before 户 and after 户主 in a `plain_text`: begin and end of each, with its surname."""
        always, perhaps, leads = self._endings
        end = plain.find("户")
        while end >= 0:
            before = _RUN_AT_END.search(plain, max(0, end - 5), end)[0]
            if len(before) > 1 and not before.endswith(always) and not plain.startswith("户主", end):
                for length in (5, 4, 3, 2):
                    is_name = len(before) >= length and self.is_like_a_name(before[-length:])
                    begins = len(before) == 2 or plain.endswith(leads, 0, end - 2)
                    if is_name and (length > 2 or begins or not before.endswith(perhaps)):
                        yield end - length, end
                        break
            end = plain.find("户", end + 1)
        for found in _HOLDER_NAMED.finditer(plain):
            begin = found.end()
            after = [plain[begin : begin + length] for length in (4, 3, 2)]
            if name := next(filter(self.is_like_a_name, after), None):
                yield begin, begin + len(name)

    def begins_with_a_word(self, run: str) -> bool:
        """True for a verb or a title and a name after it (帮扶李军, 村民李军)."""
        return any(self.is_like_a_name(run[-length:]) and run.endswith(self._endings[2], 0, -length) for length in (3, 2))

    def is_a_word_before_household(self, text: str) -> bool:
        """True for a word as in 低保户; not for what looks like a name altogether (李新户)."""
        always, perhaps, _ = self._endings
        return text in self.words or text.endswith(always) or (text.endswith(perhaps) and not self.is_like_a_name(text))


def without_names(text: str, holder_name: str) -> str:
    """The text with each name of a cell masked wherever it stands, also with spaces or points in it; without any Chinese when the cell
    is too long for names.
    """
    if len(holder_name) > MAX_NAME:
        return _HAN_CHARACTER.sub("*", text)
    plain = plain_text(text)
    return _starred(text, (place for name in _names_in(holder_name) for place in _places_of(name, plain)))


def _places_of(name: str, plain: str) -> Iterator[tuple[int, int]]:
    start = plain.find(name)
    while start >= 0:
        yield start, start + len(name)
        start = plain.find(name, start + len(name))


def _starred(text: str, names: Iterable[tuple[int, int]]) -> str:
    """The text with stars for all but the first character of each name; `names` are places in its `plain_text`."""
    if not (names := list(names)):
        return text
    characters, places = list(text), [match.start() for match in _NOT_GAP.finditer(text)]
    for begin, end in names:
        first, last = places[begin], places[end - 1]
        characters[first + 1 : last + 1] = "*" * (last - first)
    return "".join(characters)


def plain_text(text: str) -> str:
    """Text as names are looked for in it: nothing between characters, and none that looks like another."""
    return _DOUBLE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), _GAP.sub("", text))


@lru_cache(maxsize=1024)  # one cell, all the texts of its row
def _names_in(cell: str) -> tuple[str, ...]:
    """The names in a cell of household heads, each as `plain_text`: every run of Chinese characters and, for names written apart (王 芳),
    neighbours that make up no more than four; with points in them (买买提·艾力) also whole.
    """
    cell = _UNSEEN.sub("", cell)
    runs = _RUN.findall(cell)
    candidates = dict.fromkeys([*(plain_text(match[0]) for match in _POINTED.finditer(cell)), *map(plain_text, runs)])
    for first in range(len(runs)):
        joined = runs[first]
        for run in runs[first + 1 :]:
            joined += run
            if len(joined) > _LONGEST_PLAIN_NAME:
                break
            candidates[plain_text(joined)] = None
    return tuple(dict.fromkeys(name for run in candidates for name in _names_of(run)))


def _names_of(run: str) -> list[str]:
    """The names that a run of characters may be: as it is, and without what stands before and after a name; of one that is longer than most
    names, and no place, also its beginning. Of two characters or more: a surname alone is in every other word.
    """
    names = _without_words_beside(run)
    rest = names[-1]
    if _NOBODY.fullmatch(rest):
        return []
    if len(rest) >= _LONGEST_PLAIN_NAME and not _PLACE.search(rest):
        names += (rest[:length] for length in range(2, _LONGEST_PLAIN_NAME + 1))
    return [name for name in names if len(name) > 1]


def _without_words_beside(run: str) -> list[str]:
    """A run of characters, and what is left of it when the words before and after a name are taken away one by one."""
    names = [run]
    while found := _BEFORE.match(names[-1]):
        names.append(names[-1][found.end() :])
    while found := _AFTER.search(names[-1]):
        names.append(names[-1][: found.start()])
    return names


def names_holder(text: str, holder_name: str | None) -> bool:
    """True for a key that holds a name of the cell of household heads in its row."""
    if not holder_name or len(holder_name) > MAX_NAME:
        return False
    plain = plain_text(text)
    return any(name in plain for name in _names_in(holder_name))


def names_to_know(cell: str, words: NameWords, is_beside_number: bool) -> list[str]:
    """The names of a cell of household heads that are masked in the texts of the whole district: what looks like a name; and beside a right
    identity number whatever stands there alone.
    """
    if len(cell) > MAX_NAME:
        return []
    names = [name for name in _names_in(cell) if words.is_like_a_name(name)]
    runs = _POINTED.findall(_UNSEEN.sub("", cell))
    if is_beside_number and len(runs) == 1:
        name = _without_words_beside(plain_text(runs[0]))[-1]
        is_word = _NOBODY.fullmatch(name) or _PLACE.search(name) or name in words.words or name.endswith(tuple(words.before_household))
        if 2 <= len(name) <= _LONGEST_BESIDE_A_NUMBER and not is_word:
            names.append(name)
    return names


def openings(texts: Iterable[str]) -> set[str]:
    """Every two characters that stand together in the texts and may begin a name; as `raw.pairs` finds them in the warehouse."""
    pairs: set[str] = set()
    for text in texts:
        plain = plain_text(text)
        pairs.update(map(add, plain, plain[1:]))
    return {pair for pair in pairs if _HAN_PAIR.fullmatch(pair)}


class Masks:
    """Masks in free texts the household heads that are known, and what looks like one before 户."""

    def __init__(self, known: Iterable[str], words: NameWords):
        self._words = words
        self._by_opening: dict[str, list[str]] = {}
        for name in known:
            self._by_opening.setdefault(name[:2], []).append(name)

    def mask(self, text: str) -> str:
        """The text with stars for all but the first character of each name (王**); as long as it was."""
        plain = plain_text(text)
        if "户" not in plain and self._by_opening.keys().isdisjoint(map(add, plain, plain[1:])):
            return text
        text = _ALONE_BEFORE_HOUSEHOLD.sub(self._mask_alone, text)
        plain = plain_text(text)
        return _starred(text, [*self._known(plain), *self._words.households(plain)])

    def _known(self, plain: str) -> Iterator[tuple[int, int]]:
        for place, opening in enumerate(map(add, plain, plain[1:])):
            for name in self._by_opening.get(opening, ()):
                if plain.startswith(name, place):
                    yield place, place + len(name)

    def _mask_alone(self, found: re.Match[str]) -> str:
        run = found[0]
        is_word = self._words.is_a_word_before_household(run) or self._words.begins_with_a_word(run)
        return run if is_word else run[0] + "*" * (len(run) - 1)
