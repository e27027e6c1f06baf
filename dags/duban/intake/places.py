"""Townships and villages by their exact names (docs/rules.md, Values). Nothing is ever matched approximately."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from duban.ledgers import VillageAlias, is_within
from duban.text.words import fold

_WHOLE_TOWNSHIP = frozenset(["全镇", "全乡", "全街道"])
_COMMITTEES = (("村民委员会", "村"), ("村委会", "村"), ("居民委员会", ""), ("居委会", ""))


@dataclass(frozen=True)
class Places:
    """The divisions of one district: township codes by name, village codes by name, the township of each village."""

    district_code: str
    townships: Mapping[str, str]
    villages: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, tuple[VillageAlias, ...]] = field(default_factory=dict)

    @property
    def office_code(self) -> str:
        """Code under which stands what belongs to no township."""
        return f"{self.district_code}000"

    def township(self, folded_name: str) -> str | None:
        """Code of the township with exactly this (folded) name."""
        return self.townships.get(folded_name)

    def village(self, folded_name: str, on: date, township_code: str | None) -> str | None:
        """Code of the one village of that name in the township (None: in the whole district); None when there is none, or more than one."""
        name = plain_village_name(folded_name)
        aliases = (alias for alias in self.aliases.get(name, ()) if is_within(on, alias.valid_from, alias.valid_to))
        codes = {*self.villages.get(name, ()), *(alias.village_code for alias in aliases)}
        codes = {code for code in codes if code.startswith(township_code or "")}
        return codes.pop() if len(codes) == 1 else None

    def village_list(self, folded_text: str, on: date, township_code: str | None) -> tuple[str, ...] | None:
        """Codes of the villages named, separated by `、`; empty for 全镇, 全乡, 全街道; None when one of them is not found."""
        if folded_text in _WHOLE_TOWNSHIP:
            return ()
        codes = tuple(self.village(name, on, township_code) for name in folded_text.split("、"))
        return None if None in codes else codes


def build_places(
    district_code: str, townships: Iterable[tuple[str, str]], villages: Iterable[tuple[str, str]], aliases: Iterable[VillageAlias]
) -> Places:
    """Places from (code, name) pairs of a district's townships and villages, and the alias list of all districts."""
    by_name: dict[str, list[str]] = {}
    for code, name in villages:
        by_name.setdefault(plain_village_name(fold(name)), []).append(code)
    by_alias: dict[str, list[VillageAlias]] = {}
    for alias in aliases:
        if alias.district_code == district_code:
            by_alias.setdefault(plain_village_name(alias.alias), []).append(alias)
    return Places(
        district_code,
        {fold(name): code for code, name in townships},
        {name: tuple(codes) for name, codes in by_name.items()},
        {name: tuple(entries) for name, entries in by_alias.items()},
    )


def plain_village_name(name: str) -> str:
    """The name of a village without that of its committee (村委会 → 村, 居委会 → nothing); official lists carry either."""
    for committee, village in _COMMITTEES:
        if name.endswith(committee):
            return name.removesuffix(committee) + village
    return name
