"""What of a district goes to whom, on its pages and by e-mail: the one place that says it.

`raw.districts.audience` holds the audience of a district's pages, `ops.recipients.audience` that of an address. On pages, a part that an
audience does not get is not read from the warehouse, so that no template can show it, and files that hold it are removed from the site. An
audience that is not named here gets nothing.
"""

from collections.abc import Mapping
from enum import StrEnum


class Audience(StrEnum):
    """How far the pages of a district go, and to whom an address belongs; the words of both columns."""

    OFF = "off"
    INTERNAL = "internal"
    LEADERS = "leaders"
    TOWNSHIPS = "townships"


class Part(StrEnum):
    """What may be shown or not."""

    PAGES = "pages"  # anything of the district at all
    PERSONS = "persons"  # who is responsible for a problem (责任领导)
    DESCRIPTIONS = "descriptions"  # what a problem is, in the sender's words; names households
    SUBMISSIONS = "submissions"  # the files of a unit, one by one
    QUALITY = "quality"  # 操作失误: what was sent back, by unit and rule
    WATCH = "watch"  # 运行监测: what is wrong with the system and its senders
    DOCUMENTS = "documents"  # the files of issues; they name persons and households


WHO_GETS: Mapping[Part, frozenset[Audience]] = {
    Part.PAGES: frozenset({Audience.INTERNAL, Audience.LEADERS, Audience.TOWNSHIPS}),
    Part.PERSONS: frozenset({Audience.INTERNAL, Audience.LEADERS}),
    Part.DESCRIPTIONS: frozenset({Audience.INTERNAL, Audience.LEADERS}),
    Part.SUBMISSIONS: frozenset({Audience.INTERNAL}),
    Part.QUALITY: frozenset({Audience.INTERNAL}),
    Part.WATCH: frozenset({Audience.INTERNAL}),
    Part.DOCUMENTS: frozenset({Audience.INTERNAL, Audience.LEADERS}),
}


def gets(audience: str, part: Part) -> bool:
    """Whether an audience, as the tables spell it, gets a part."""
    return audience in WHO_GETS[part]
