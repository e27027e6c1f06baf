"""What stands around the content of a document: who issues it, its number, its date, to whom it goes."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from duban.text import display

SERIAL, STATUTORY = "serial", "statutory"


@dataclass(frozen=True)
class Letterhead:
    """Head and foot of a document.

    Attributes:
        family: ``serial`` (a serial with masthead and 第N期) or ``statutory`` (head of an official document with 发文字号).
        series_name: Masthead of the serial family.
        issuer_name: 发文机关.
        issue_no: Number within the year.
        year: Year of the business day.
        document_word: 机关代字; only the statutory family has one.
        title: Full title; ``\\n`` breaks it by hand.
        issued_on: 成文日期.
        recipients: 主送机关, without the colon; None: none.
        copies_to: 抄送机关; None: none.
        data_label: What every copy says of its figures when they are made up; None: real figures.
        made_at: The only time inside the files; carries a time zone.

    Raises:
        ValueError: unknown family, a statutory document without 机关代字, or a time without a zone.
    """

    family: str
    series_name: str
    issuer_name: str
    issue_no: int
    year: int
    document_word: str | None
    title: str
    issued_on: date
    recipients: str | None
    copies_to: str | None
    data_label: str | None
    made_at: datetime

    def __post_init__(self) -> None:
        if self.family not in {SERIAL, STATUTORY}:
            raise ValueError(f"unknown document family: {self.family}")
        if self.is_statutory and not self.document_word:
            raise ValueError("a statutory document needs the word of its office (机关代字)")
        if self.made_at.tzinfo is None:
            raise ValueError("made_at needs a time zone")

    @property
    def is_statutory(self) -> bool:
        """Whether it has the head of an official document."""
        return self.family == STATUTORY

    @property
    def masthead(self) -> str:
        """The red words on top: 问题整改日通报, or 资阳区扶贫办文件."""
        return f"{self.issuer_name}文件" if self.is_statutory else self.series_name

    @property
    def number(self) -> str:
        """资扶办〔2020〕12号, or 第12期."""
        return f"{self.document_word}〔{self.year}〕{self.issue_no}号" if self.is_statutory else f"第{self.issue_no}期"

    @property
    def flat_title(self) -> str:
        """The title on one line."""
        return "".join(part.strip() for part in self.title.split("\n"))

    @property
    def issued(self) -> str:
        """成文日期 as printed."""
        return display.day(self.issued_on)

    @property
    def distribution(self) -> tuple[tuple[str, str], ...]:
        """Lines of the 版记 above the one of the issuer: (发送 or 抄送, whom). A statutory document names its recipients above the text."""
        to = () if self.is_statutory or not self.recipients else (("发送", self.recipients),)
        return (*to, ("抄送", self.copies_to)) if self.copies_to else to

    @property
    def made_at_utc(self) -> datetime:
        """The time of making in UTC, without a zone, as the properties of files want it."""
        return self.made_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
