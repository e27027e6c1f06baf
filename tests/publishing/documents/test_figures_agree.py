"""The three documents print the same figures: those of the fragment, each of them, none else, in the same words."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal

import pytest

from duban.publishing.documents.official import render_docx
from duban.publishing.documents.page import render_html
from duban.publishing.documents.workbook import render_xlsx
from duban.text import display
from tests.publishing.documents import sample
from tests.publishing.documents.reading import Printed, docx_figures, html_figures, xlsx_figures


def random_fragment(seed: int) -> str:
    """Figures of all kinds in all places, with amounts and rates where rounding bites."""
    rng = random.Random(seed)

    def one() -> str:
        unit = rng.choice(["count", "days", "rank", "pct", "yuan", "yuan"])
        value: int | Decimal | None = rng.choice([0, 1, 7, 999, 1000, 123_456])
        if unit == "pct":
            value = display.half_up_pct(rng.randrange(5000), rng.randrange(1, 3000))
        elif unit == "yuan":
            value = (
                Decimal(rng.choice([-1, 1]) * rng.choice([0, 49, 50, 5_000, 604_999, 605_000, 10**10])) + Decimal(rng.randrange(100)) / 100
            )
        return sample.figure(f"f.{rng.randrange(10**6)}", unit, None if rng.random() < 0.1 else value)

    def prose() -> str:
        return "，".join(f"共{one()}个" for _ in range(rng.randrange(1, 4)))

    def cell() -> str:
        return f'<td class="number">{one()}</td>' if rng.random() < 0.7 else f"<td>{one()}/{one()}</td>"

    def table() -> str:
        count = rng.randrange(1, 6)
        rows = "".join(f"<tr>{''.join(cell() for _ in range(count))}</tr>" for _ in range(rng.randrange(1, 5)))
        return f"<table><caption>共{one()}</caption><tbody>{rows}</tbody></table><p class='note'>{prose()}</p>"

    kinds = [lambda: f"<p>{prose()}</p>", table, lambda: f"<h2>{prose()}</h2>", lambda: f"<ul><li>{prose()}</li></ul>"]
    return "".join(rng.choice(kinds)() for _ in range(8))


@pytest.mark.parametrize("fragment", [sample.BULLETIN, *map(random_fragment, range(25))], ids=["sample", *map(str, range(25))])
def test_three_documents_one_set_of_figures(fragment):
    expected = html_figures(fragment)
    assert docx_figures(render_docx(fragment, sample.SERIAL)) == expected
    assert html_figures(render_html(fragment, sample.STATUTORY)) == expected
    found = xlsx_figures(render_xlsx(fragment, sample.SERIAL, sample.DETAILS))
    assert Counter(found) == Counter(expected)


@pytest.mark.parametrize("number", ["长春-001/<\"&'>" * 10, "甲 乙 =1+1", "_x000D_", "{{7*7}}", "]]>", "第1页 &P"])
def test_codes_hold_whatever_a_sender_called_it(number):
    code = f"problem.{number}.overdue_days"
    fragment = sample.figure(code, "count", 3).replace(code, sample.escape(code))
    fragment = f"<p>{fragment}</p>"
    expected = [Printed(code, "3")]
    assert docx_figures(render_docx(fragment, sample.SERIAL)) == expected
    assert html_figures(render_html(fragment, sample.SERIAL)) == expected
    assert xlsx_figures(render_xlsx(fragment, sample.SERIAL, ())) == expected


def test_a_document_without_figures_has_none():
    for read, write in ((docx_figures, render_docx), (html_figures, render_html)):
        assert read(write("<p>甲</p>", sample.SERIAL)) == []
    assert xlsx_figures(render_xlsx("<p>甲</p>", sample.SERIAL, ())) == []


def test_a_code_with_what_cannot_be_shown_is_the_same_everywhere():
    code = "problem.甲\x1b\u202e\n乙"
    fragment = f"<p>{sample.figure(code, 'count', 3)}</p>"
    expected = [Printed("problem.甲\ufffd\ufffd 乙", "3")]
    assert docx_figures(render_docx(fragment, sample.SERIAL)) == expected
    assert html_figures(render_html(fragment, sample.SERIAL)) == expected
    assert xlsx_figures(render_xlsx(fragment, sample.SERIAL, ())) == expected
