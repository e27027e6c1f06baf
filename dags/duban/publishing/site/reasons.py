"""Why a township has its rank and what would move it up: the figures of the warehouse as sentences in plain Chinese."""

from decimal import Decimal

from duban.publishing.site.figures.ranking import Ranking, RankingLine, RankReason
from duban.text.display import NOTHING, half_up_pct, pct

# Indicators of the ranking rules: what they are called, and what they count; a share counts nothing.
INDICATORS = {
    "progress": ("整改率", None),
    "open_count": ("未整改问题", "个"),
    "overdue_count": ("超期问题", "个"),
    "reopened_count": ("退回反弹问题", "个"),
    "oldest_open_workdays": ("最久未整改问题的时间", "个工作日"),
    "progress_since_baseline": ("基准日以来的整改进度", None),
    "progress_on_due": ("到期问题整改率", None),
    "weighted_score": ("加权得分率", None),
}
# Of more that share a rank, the number says enough.
NAMED_PEERS = 3


def standing(ranking: Ranking, line: RankingLine) -> str:
    """Where a unit stands, or why it has no rank."""
    if line.is_office:
        return "不属于任何乡镇的问题列在这里，计入合计，不参加排名。"
    if not line.is_ranked:
        return "本单位的问题计入合计，不参加排名。"
    if line.rank is None:
        return "目前没有问题需要整改，列为“无任务”，不排名次。"
    peers = [other.township_name for other in ranking.ranked_lines if other.rank == line.rank and other is not line]
    named = "、".join(peers) if len(peers) <= NAMED_PEERS else f"另外 {len(peers)} 个单位"
    shared = f"，与{named}并列" if peers else ""
    return f"在有名次的 {len(ranking.ranked_lines)} 个单位中列第 {line.rank} 位{shared}。"


def why(ranking: Ranking, line: RankingLine) -> tuple[str, ...]:
    """Sentences: where it stands, who is directly ahead and by which indicator, what would end that."""
    said = [standing(ranking, line)]
    reason = ranking.reasons.get(line.township_code)
    if line.rank is None or reason is None:
        return tuple(said)
    ahead = next((other for other in ranking.lines if other.township_code == reason.ahead_township_code), None)
    if ahead is None:
        return (*said, "前面没有别的单位。")
    together = sum(other.rank == ahead.rank for other in ranking.ranked_lines)
    others = f"等 {together} 个单位（并列第 {ahead.rank} 位）" if together > 1 else f"（第 {ahead.rank} 位）"
    said.append(f"紧挨在前面的是{ahead.township_name}{others}。")
    said.append(_difference(reason, ahead.township_name))
    said.append(_remedy(reason, line, ahead.township_name))
    return tuple(said)


def _difference(reason: RankReason, ahead: str) -> str:
    name, unit = INDICATORS.get(reason.deciding_indicator, (reason.deciding_indicator, None))
    place = "" if reason.deciding_place == 1 else f"排在前面的 {reason.deciding_place - 1} 项指标都相同，"
    own = _score(reason.own_numerator, reason.own_denominator, unit)
    other = _score(reason.ahead_numerator, reason.ahead_denominator, unit)
    return f"{place}差在{name}：本单位 {own}，{ahead} {other}。"


def _remedy(reason: RankReason, line: RankingLine, ahead: str) -> str:
    needed = reason.closures_needed_count
    if needed is None:
        return "只靠销号不能使名次前移。"
    if needed == line.open_count > 1:
        return f"其他不变，现有的 {needed} 个未整改问题全部销号后，名次就不再低于{ahead}。"
    which = "（哪一个都可以）" if needed == 1 and line.open_count > 1 else "（不论哪几个）" if needed > 1 else ""
    return f"其他不变，再销号 {needed} 个{which}，名次就不再低于{ahead}。"


def _score(numerator: Decimal | None, denominator: Decimal | None, unit: str | None) -> str:
    """``13 / 14（92.9%）``, ``2 个``, or a dash where a unit has no score."""
    if numerator is None or denominator is None:
        return NOTHING
    if unit is not None:
        return f"{_plain(numerator)} {unit}"
    return f"{_plain(numerator)} / {_plain(denominator)}（{pct(half_up_pct(numerator, denominator))}）"


def _plain(number: Decimal) -> str:
    """Without decimals that say nothing."""
    return f"{number.normalize():f}"
