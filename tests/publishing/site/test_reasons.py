"""Why a township has its rank, in sentences."""

from dataclasses import replace

import pytest

from duban.publishing.site.reasons import INDICATORS, why
from tests.publishing.site.made_up import LINES, RANKING, REASONS, reason

FIRST, SECOND, SHARED, LAST, NO_TASK, UNRANKED, DEPARTMENTS = LINES


def with_reason(of, *deciding, ahead="430902104", needed=None):
    return replace(RANKING, reasons={**REASONS, of.township_code: reason(of.township_code, ahead, *deciding, needed=needed)})


def test_the_first_has_nobody_ahead():
    assert why(RANKING, FIRST) == ("在有名次的 4 个单位中列第 1 位。", "前面没有别的单位。")


def test_who_is_ahead_by_what_and_what_would_end_it():
    assert why(RANKING, SECOND) == (
        "在有名次的 4 个单位中列第 2 位，与新桥河镇并列。",
        "紧挨在前面的是沙头镇（第 1 位）。",
        "差在整改率：本单位 26 / 29（89.7%），沙头镇 27 / 28（96.4%）。",
        "其他不变，再销号 2 个（不论哪几个），名次就不再低于沙头镇。",
    )


def test_of_many_with_one_rank_the_number_is_said():
    shared = tuple(replace(line, rank=1) for line in (FIRST, SECOND, SHARED, LAST, NO_TASK))
    assert why(replace(RANKING, lines=shared), shared[0])[0] == "在有名次的 5 个单位中列第 1 位，与另外 4 个单位并列。"


def test_several_ahead_with_one_rank_are_counted():
    said = why(RANKING, LAST)
    assert said[1] == "紧挨在前面的是长春镇等 2 个单位（并列第 2 位）。"
    assert said[3] == "其他不变，再销号 7 个（不论哪几个），名次就不再低于长春镇。"


def test_a_later_key_decides_when_those_before_are_equal():
    said = why(with_reason(SECOND, 3, "overdue_count", (2, 1), (0, 1), needed=1), SECOND)
    assert said[2] == "排在前面的 2 项指标都相同，差在超期问题：本单位 2 个，沙头镇 0 个。"
    assert said[3] == "其他不变，再销号 1 个（哪一个都可以），名次就不再低于沙头镇。"


def test_days_are_counted_in_working_days_and_no_score_is_a_dash():
    said = why(with_reason(LAST, 5, "oldest_open_workdays", (45, 1), (3, 1), needed=1), LAST)
    assert "本单位 45 个工作日，沙头镇 3 个工作日" in said[2]
    said = why(with_reason(LAST, 1, "progress_on_due", (None, None), (1, 2)), LAST)
    assert said[2] == "差在到期问题整改率：本单位 —，沙头镇 1 / 2（50.0%）。"
    assert said[3] == "只靠销号不能使名次前移。"


def test_when_all_must_be_closed_that_is_said():
    said = why(with_reason(SECOND, 1, "progress", (26, 29), (28, 28), needed=3), SECOND)
    assert said[3] == "其他不变，现有的 3 个未整改问题全部销号后，名次就不再低于沙头镇。"
    said = why(with_reason(FIRST, 1, "progress", (27, 28), (28, 28), ahead="430902106", needed=1), FIRST)
    assert said[3] == "其他不变，再销号 1 个，名次就不再低于长春镇。"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (NO_TASK, "目前没有问题需要整改，列为“无任务”，不排名次。"),
        (UNRANKED, "本单位的问题计入合计，不参加排名。"),
        (DEPARTMENTS, "不属于任何乡镇的问题列在这里，计入合计，不参加排名。"),
    ],
)
def test_without_a_rank_the_reason_is_said(line, said):
    assert why(RANKING, line) == (said,)


def test_every_indicator_of_every_rule_has_a_name():
    from duban.settings import PROJECT

    rules = (PROJECT / "dbt_project" / "seeds" / "ref_ranking_rules.csv").read_text(encoding="utf-8")
    keys = {key.split()[0] for line in rules.splitlines()[1:] for key in line.split('"')[1].split(", ")}
    assert keys and keys <= set(INDICATORS)


def test_an_indicator_without_a_name_is_shown_by_its_own():
    assert "差在 something：" not in why(with_reason(LAST, 1, "something", (1, 2), (2, 3)), LAST)[2]
    assert why(with_reason(LAST, 1, "something", (1, 2), (2, 3)), LAST)[2].startswith("差在something：")
