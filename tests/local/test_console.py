"""Tables line up on a terminal, where a Chinese character takes two cells."""

import unicodedata

from local.console import bar, table


def cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def test_columns_line_up_with_chinese_and_ascii():
    lines = table(("名次", "乡镇", "率"), [(1, "沙头镇", "100.0"), (10, "ab", "6.5"), (None, "长春经济开发区", "")]).splitlines()
    assert lines[1] == "   1  沙头镇          100.0"
    assert lines[2] == "  10  ab                6.5"
    assert {cells(line) for line in lines[:3]} == {cells(lines[0])}


def test_a_bar_is_full_only_at_the_end():
    assert bar(0, 0) == "█" * 24
    assert bar(0, 3) == "░" * 24
    assert "░" in bar(999, 1000)
    assert bar(3, 3) == "█" * 24
