"""One value, many spellings: how clerks write dates, amounts, numbers and words. Each is one that is accepted."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from local.sample.mistakes import Written
from local.sample.places import spelled
from local.sample.styles import Style

MONEY = frozenset({"计划总投资", "中央资金", "省级资金", "市级资金", "区级资金", "其他资金", "金额"})
KEYS = frozenset({"问题编号", "项目编号", "流水号", "记录编号"})
NUMERALS = "〇一二三四五六七八九"
DATES = {
    "dots": "{0.year}.{0.month}.{0.day}", "slashes": "{0.year}/{0.month}/{0.day}", "dashes": "{0:%Y-%m-%d}", "digits": "{0:%Y%m%d}",
    "chinese": "{0.year}年{0.month}月{0.day}日", "no_year": "{0.month}月{0.day}日",
}  # fmt: skip
EXCEL_EPOCH = date(1899, 12, 30)
YUAN_PER_UNIT = {"万元": 1, "元": 10_000}
FULL_WIDTH = {ord("0") + digit: ord("０") + digit for digit in range(10)}


@dataclass(frozen=True)
class Formatted:
    """A workbook cell with a number format."""

    value: Any
    number_format: str


def numeral(number: int) -> str:
    """A number up to 99 as Chinese writes it in dates: 二十六."""
    tens, ones = divmod(number, 10)
    return ("" if tens < 2 else NUMERALS[tens]) + ("十" if tens else "") + (NUMERALS[ones] if ones or not tens else "")


def spelled_date(day: date, form: str, rng: Random) -> Any:
    """A date as a cell holds it; without a year only where the report year is the right one."""
    if form == "excel":
        return Formatted(day, rng.choice(("yyyy-mm-dd", 'yyyy"年"m"月"d"日"')))
    if form == "serial":
        return (day - EXCEL_EPOCH).days
    if form == "numerals":
        return "".join(NUMERALS[int(digit)] for digit in str(day.year)) + f"年{numeral(day.month)}月{numeral(day.day)}日"
    return DATES[form if form != "no_year" or day.year == 2020 else "chinese"].format(day)


def plain(amount: Decimal) -> Decimal:
    """The amount without trailing zeros and without an exponent."""
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount.normalize()


def spelled_amount(amount: Decimal, style: Style, rng: Random) -> Any:
    """An amount given in 万元, in the unit of the sender's header; sometimes as text with separators or the unit."""
    value = plain(amount * YUAN_PER_UNIT[style.money_unit])
    chance = rng.random()
    if not value:
        return value
    if chance < 0.04:
        return f"{value:,}"
    if chance < 0.07:
        return f"{value}{style.money_unit}"
    if chance < 0.09 and style.money_unit == "元":
        return f"￥{value:,.2f}"
    return value


def spelled_cell(column: str, value: Any, style: Style, rng: Random) -> Any:
    """What the clerk of this style types for a value; a planted mistake stays as it is."""
    if isinstance(value, Written):
        return value.value
    if value is None:
        return rng.choice(style.blank) if column not in KEYS else None
    if isinstance(value, date):
        text = spelled_date(value, rng.choice(style.dates), rng)
        return text.translate(FULL_WIDTH) if style.full_width and isinstance(text, str) and rng.random() < 0.2 else text
    if column in MONEY:
        return spelled_amount(value, style, rng)
    if column == "形象进度(%)" and value and style.merged:
        return rng.choice((value, f"{value}%", Formatted(Decimal(value) / 100, "0%")))
    if column == "村(社区)" and not value.startswith("全"):
        return "、".join(spelled(village, rng.choice(style.villages)) for village in value.split("、"))
    if column in KEYS and style.full_width and rng.random() < 0.05:
        return value.translate(FULL_WIDTH)
    if isinstance(value, str) and value in style.words:
        return rng.choice(style.words[value])
    return value
