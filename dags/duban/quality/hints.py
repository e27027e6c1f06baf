"""What a clerk most likely did, said beside the remedy. A hint never decides anything: the row goes back with it or without it."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal

from duban.intake import number_formats, values
from duban.intake.cells import Cell, Number, Picture, StyledText, display
from duban.ledgers import MONEY_UNITS, Column, Words
from duban.text.names import names_holder
from duban.text.words import fold, identifies_person

_LOOK_LIKE_DIGITS = {"O": "0", "o": "0", "Q": "0", "l": "1", "I": "1", "i": "1", "|": "1", "Z": "2", "z": "2", "S": "5", "B": "8"}
_DIGIT_TYPES = frozenset(["date", "month", "money", "number", "percent", "count", "year", "id_number", "certificate"])
_SCRIPTS = {"CYRILLIC": "西里尔字母", "GREEK": "希腊字母"}
_VAGUE = re.compile("约|左右|大概|多|余|近|[~～]|[0-9][-—+＋至到][0-9]")
_TYPE_AS_TEXT = "请先把单元格设为文本格式，再填"


def hint(
    column: Column, cell: Cell, rule_id: str, words: Words, holder_name: str | None = None, factor: Decimal | None = None
) -> str | None:
    """A sentence in Chinese about this one cell, or None. Identity numbers are never quoted, only the character in question.

    `factor` is the unit of a money column in yuan; `holder_name` must not stand in a key.
    """
    if isinstance(cell, Picture):
        return "单元格里是图片，图片不会读入；请写文字"
    if column.type == "key" and rule_id == "R10" and names_holder(display(cell), holder_name):
        return "编号里有户主姓名"
    if rule_id in {"R02", "R03", "R10"} and values.is_misleading(cell, column, factor):
        return _misleading(column, cell, factor)
    if rule_id not in {"R01", "R08", "R09"} and values.is_no_value(cell, words):
        return f"“{display(cell).strip()}”不是内容，请在每一行写全"
    if rule_id == "R10" and column.type == "key" and (found := _no_key(cell)):
        return found
    text = unicodedata.normalize("NFKC", display(cell)).strip()
    if (column.type in _DIGIT_TYPES or rule_id == "R10") and (found := _look_alike(text, column)):
        return found
    match rule_id:
        case "R02":
            return _date(cell, text) if column.type == "date" else _month(cell, text)
        case "R03":
            return _number(column, cell, text)
        case "R05":
            return _villages(column, display(cell).strip())
        case "R07":
            return _certificate(column, cell, fold(text))
        case "R10":
            return _unreadable(column, text)
    return None


def _look_alike(text: str, column: Column) -> str | None:
    digits = sum(character.isdigit() for character in text)
    for place, character in enumerate(text, start=1):
        name = unicodedata.name(character, "").split(" ")[0]
        if name in _SCRIPTS:
            return f"第{place}个字符“{character}”是{_SCRIPTS[name]}，看着像英文字母"
        # A unit or a word holds letters of its own; one letter among digits is a slip.
        if column.type in _DIGIT_TYPES and character in _LOOK_LIKE_DIGITS and digits >= 2 and digits >= len(text) - 4:
            return f"第{place}个字符是字母“{character}”，是不是数字 {_LOOK_LIKE_DIGITS[character]}"
    return None


def _misleading(column: Column, cell: Number | StyledText, factor: Decimal | None) -> str:
    """What the cell shows, what it stores, and what to do about it."""
    stored = display(cell)
    told = f"单元格显示的是“{cell.shown}”，存的却是 {stored}" if cell.shown else f"单元格用格式隐藏了内容，存的是 {stored}"
    if column.type == "key":
        return f"{told}，显示的字是数字格式加上的；{_TYPE_AS_TEXT}完整的编号"
    unit = next((name for name, yuan in MONEY_UNITS.items() if yuan == factor), "")
    cause = ""
    if isinstance(cell, Number):
        seen = number_formats.shown(cell.format, cell.digits)
        cause = "，是数字格式把它缩小了" if seen.is_scaled else "，数字格式里写着别的单位" if unit and seen.words else ""
    wanted = f"以{unit}为单位的数" if unit else "要报的数"
    return f"{told}{cause}；请把单元格改为常规格式，再填{ {'date': '日期', 'month': '年和月'}.get(column.type, wanted) }"


def _no_key(cell: Cell) -> str | None:
    if not values.is_no_key(cell):
        return None
    match cell:
        case date():
            return f"单元格存的是日期 {cell}，多半是编号被自动改成了日期；{_TYPE_AS_TEXT}原来的编号"
        case Number(digits) if "." in digits:
            return f"单元格存的是小数 {digits}，多半是编号被当成了数（末尾的 0 会丢失）；{_TYPE_AS_TEXT}原来的编号"
        case Number():
            return f"数字超过 15 位，末几位已经丢失；{_TYPE_AS_TEXT}原来的编号"
        case _:
            return f"“{display(cell).strip()}”多半是表格程序把编号改成了日期、数或真假值；{_TYPE_AS_TEXT}原来的编号"


def _villages(column: Column, text: str) -> str | None:
    if not re.search("[,，;；/／\\s]", text):
        return None
    return "几个村之间请用顿号“、”分开" if column.type == "villages" else "这一栏只填一个村的全名，不加别的字"


def _date(cell: Cell, text: str) -> str | None:
    if isinstance(cell, Number) and re.fullmatch(r"20\d\d(\.\d{1,2})?", cell.digits):
        return "单元格里是一个数，分不清月和日；请写全年、月、日"
    if re.fullmatch(r"\d{4}[-./年]\d{1,2}月?", text):
        return "只有年和月，没有日"
    if found := re.match(r"^(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})", text):
        month, day = int(found[2]), int(found[3])
        if not 1 <= month <= 12 or not 1 <= day <= 31 or (month == 2 and day > 29) or (month in {4, 6, 9, 11} and day > 30):
            return f"没有 {month} 月 {day} 日这一天"
        return _around_date(text, found[0]) or "年份应在 2014 年以后、填报年份之后五年以内，或这一年没有这一天"
    if re.fullmatch(r"\d{4}[-./年、，,。 ]+\d{1,2}[-./月、，,。 ]+\d{1,2}日?", text):
        return "年、月、日之间请都用 - 分开"
    return None


def _month(cell: Cell, text: str) -> str | None:
    if re.fullmatch(r"20\d\d\.\d", cell.digits if isinstance(cell, Number) else text):
        return f"分不清是 {text[5:]} 月还是 {text[5:]}0 月；请写成 {text[:4]}-{int(text[5:]):02d} 的样子"
    if found := re.fullmatch(r"\d{4}[-.年]?(\d{1,2})月?", text):
        return "年份应在 2014 年以后、填报年份之后五年以内" if 1 <= int(found[1]) <= 12 else f"没有 {int(found[1])} 月"
    return None


def _around_date(text: str, start: str) -> str | None:
    """What is wrong with a date whose year, month and day are right."""
    rest = text[len(start) :]
    if "年" in start and not rest.startswith("日"):
        return "日期最后缺少“日”字"
    if len(set(re.findall(r"[-./]", start))) > 1 or ("年" in start) != ("月" in start):
        return "年、月、日之间请都用 - 分开"
    rest = rest.removeprefix("日") if "年" in start else rest
    return f"日期后面还有“{rest.strip()}”，请去掉" if rest.strip() and not values.is_time(rest) else None


def _number(column: Column, cell: Cell, text: str) -> str | None:
    if isinstance(cell, date):
        return f"单元格是日期格式，显示为日期 {cell}；请改为常规格式，再填数"
    if isinstance(cell, bool):
        return f"单元格存的是 {text}，不是数"
    if _VAGUE.search(text):
        return "请填一个确定的数"
    if column.type == "money" and re.search("[万亿千百]", text):
        return "单位写在表头里，格里只填数字"
    if column.type == "percent" and re.fullmatch(r"0?\.\d+|1(\.0+)?", text):
        return "分不清是百分之几还是几成；50% 请写 50 或 50%"
    return None


def _certificate(column: Column, cell: Cell, text: str) -> str | None:
    if isinstance(cell, Number):
        return "单元格是数字格式，号码的末几位已经丢失；请先设为文本格式，再重新填写"
    if len(text) == 15:
        return "这是 15 位的旧号码，请换成 18 位的"
    if len(text) not in ((18,) if column.type == "id_number" else (18, 20, 22)):
        return f"有 {len(text)} 位，应为 18 位" + ("" if column.type == "id_number" else "，残疾人证为 20 位或 22 位")
    return f"{'最后一' if len(text) == 18 else '第 18 '}位校验码对不上，请逐位核对"


def _unreadable(column: Column, text: str) -> str | None:
    if column.type == "key" and identifies_person(fold(text)):
        return "编号里像有证件号码或手机号码"
    for place, character in enumerate(text, start=1):
        category = unicodedata.category(character)
        if character not in "\t\n\r" and (character == "\ufffd" or category in {"Cc", "Co", "Cn"}):
            return f"第{place}个字符无法辨认"
        if column.type == "person" and character in "?？":
            return f"第{place}个字符是问号，多半是没有存下来的生僻字"
    if len(text) > 30_000:  # the readers cut longer texts: how long it was nobody knows
        return "超过三万个字"
    length = values.written_length(text, column)
    return f"有 {length} 个字" if length > 64 else None
