"""What PostgreSQL cannot store becomes visible, and nothing else changes."""

from __future__ import annotations

import json

import pytest

from duban.text.storable import storable_json, storable_text


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("", ""),
        ("abc", "abc"),
        ("问题😀\u200b\n", "问题😀\u200b\n"),
        ("a\x00b", "a\ufffdb"),
        ("一\ud800二", "一\ufffd二"),
        ("\udc80", "\ufffd"),
    ],
)
def test_text(text, stored):
    assert storable_text(text) == stored


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ({"列": ["值", 1, None, True, {"b": 0.5}]}, {"列": ["值", 1, None, True, {"b": 0.5}]}),
        ({"键\x00": "a\x00b"}, {"键\ufffd": "a\ufffdb"}),
        ({"键": ["\ud800", ("\udfff",)]}, {"键": ["\ufffd", ["\ufffd"]]}),
        ({"路径": "C:\\u0000"}, {"路径": "C:\\u0000"}),
    ],
)
def test_json(value, stored):
    text = storable_json(value)
    assert json.loads(text) == stored
    assert "\x00" not in text and text.encode()
