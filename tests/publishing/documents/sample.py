"""A daily bulletin as an office would print it: fourteen townships, a ranking of nine columns, problems with long descriptions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from html import escape

from duban.publishing.documents.letterhead import Letterhead
from duban.publishing.documents.workbook import Detail
from duban.text import display

TOWNSHIPS = (
    ("沙头镇", 28, 28, 0, 0, 0),
    ("迎风桥镇", 30, 28, 0, 0, 40),
    ("大码头街道", 14, 13, 0, 0, 3),
    ("汽车路街道", 14, 13, 0, 0, 3),
    ("长春镇", 42, 37, 0, 0, 50),
    ("茈湖口镇", 34, 29, 1, 0, 49),
    ("新桥河镇", 52, 44, 3, 1, 45),
    ("张家塞乡", 29, 24, 0, 0, 50),
    ("八字哨镇", 21, 17, 2, 0, 31),
    ("泥江口镇", 19, 15, 1, 0, 28),
    ("岳家桥镇", 33, 25, 4, 2, 52),
    ("谢林港镇", 27, 19, 2, 1, 47),
    ("沧水铺镇", 24, 16, 3, 0, 38),
    ("衡龙桥镇", 18, 11, 5, 3, 55),
)
PROBLEMS = (
    (
        "张家塞-024",
        "张家塞乡",
        "<尹连才>户住房后墙开裂、屋面漏雨，安全等级未重新鉴定，住房安全保障资料与系统信息不一致，需由区住建局会同乡镇于整改时限前组织鉴定并补录",
        "2020-07-03",
    ),
    ("茈湖口-032", "茈湖口镇", "高清莲户“一户一档”中收入证明与系统不一致", "2020-06-30"),
    ("长春-027", "长春镇", '=HYPERLINK("http://x.invalid","苏田") 户新增成员未参加城乡居民医保 {{7*7}}', "2020-07-10"),
    ("部门-014", "区直部门", "低保与建档立卡对象比对有6户未作说明；其中2户为整户保，4户为单人保，民政部门尚未出具复核意见", "2020-07-10"),
)
MADE_AT = datetime(2020, 6, 30, 9, 31, tzinfo=UTC)


def figure(code: str, unit: str, value: int | Decimal | date | None) -> str:
    """A `data` element with its text as `display` writes it."""
    written = {"pct": display.pct, "yuan": display.wan, "date": display.short_day}.get(unit, str)
    text = display.NOTHING if value is None else written(value)
    return f'<data value="{"" if value is None else value}" data-figure="{code}" data-unit="{unit}">{text}</data>'


def ranking_table(townships=TOWNSHIPS) -> str:
    """The ranking, with a total."""
    ordered = sorted(townships, key=lambda line: (-line[2] / line[1], line[1] - line[2]))
    rows = []
    for place, (name, assigned, rectified, overdue, reopened, days) in enumerate(ordered, start=1):
        code = f"ranking.4309021{place:02}"
        numbers = [
            ("assigned_count", "count", assigned),
            ("rectified_count", "count", rectified),
            ("open_count", "count", assigned - rectified),
            ("rectified_pct", "pct", display.half_up_pct(rectified, assigned)),
            ("overdue_count", "count", overdue),
            ("reopened_count", "count", reopened),
            ("oldest_open_workdays", "days", days or None),
        ]
        cells = "".join(f'<td class="number">{figure(f"{code}.{key}", unit, value)}</td>' for key, unit, value in numbers)
        rows.append(
            f'<tr><td class="number">{figure(f"{code}.rank", "rank", place)}</td><th scope="row"><bdi>{escape(name)}</bdi></th>{cells}</tr>'
        )
    totals = [sum(line[1] for line in townships), sum(line[2] for line in townships)]
    total = "".join(
        f'<td class="number">{figure(f"total.{key}", unit, value)}</td>'
        for key, unit, value in (
            ("assigned_count", "count", totals[0]),
            ("rectified_count", "count", totals[1]),
            ("open_count", "count", totals[0] - totals[1]),
            ("rectified_pct", "pct", display.half_up_pct(totals[1], totals[0])),
            ("overdue_count", "count", sum(line[3] for line in townships)),
            ("reopened_count", "count", sum(line[4] for line in townships)),
            ("oldest_open_workdays", "days", max(line[5] for line in townships)),
        )
    )
    heads = "".join(
        f'<th scope="col">{text}</th>'
        for text in ("名次", "乡镇（街道）", "问题总数", "已整改", "未整改", "整改率", "超期", "反弹", "最长未销号（工作日）")
    )
    widths = "".join(f'<col data-width="{width}">' for width in (8, 20, 11, 10, 10, 12, 9, 9, 14))
    return f"""
<table>
  <caption>表1　各乡镇（街道）问题整改进度排名</caption>
  <colgroup>{widths}</colgroup>
  <thead><tr>{heads}</tr></thead>
  <tbody>{"".join(rows)}</tbody>
  <tfoot><tr><th colspan="2" scope="row">全区合计</th>{total}</tr></tfoot>
</table>
<p class="note">注：名次按整改率由高到低排列；整改率相同的，依次比较未整改数、超期数、反弹数和最长未销号工作日。</p>
"""


def problems_table(problems=PROBLEMS) -> str:
    """New problems with their descriptions."""
    rows = "".join(
        f'<tr><td class="number">{figure(f"found.{number}.no", "count", number)}</td>'
        f"<td><bdi>{escape(code)}</bdi></td><td><bdi>{escape(place)}</bdi></td><td><bdi>{escape(text)}</bdi></td>"
        f"<td>{figure(f'found.{number}.due_on', 'date', date.fromisoformat(due))}</td></tr>"
        for number, (code, place, text, due) in enumerate(problems, start=1)
    )
    widths = "".join(f'<col data-width="{width}">' for width in (6, 15, 14, 52, 13))
    heads = "".join(f'<th scope="col">{text}</th>' for text in ("序号", "问题编号", "乡镇（部门）", "问题描述", "整改时限"))
    return (
        f"<table><caption>表2　新发现问题清单</caption><colgroup>{widths}</colgroup>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


BULLETIN = f"""
<p class="lead">截至<strong>2020年6月30日</strong>17时30分，
  全区排查发现问题{figure("total.assigned_count", "count", 385)}个，已整改销号{figure("total.rectified_count", "count", 319)}个，
  剩余{figure("total.open_count", "count", 66)}个，整改率{figure("total.rectified_pct", "pct", Decimal("82.9"))}，
  比上一工作日提高{figure("total.change_pct", "pct", Decimal("1.3"))}。现将有关情况通报如下。</p>
<h2>一、整改进度排名</h2>
<p>整改率居前三位的是<bdi>沙头镇</bdi>、<bdi>迎风桥镇</bdi>、<bdi>大码头街道</bdi>；
  居后三位的是<bdi>谢林港镇</bdi>、<bdi>沧水铺镇</bdi>、<bdi>衡龙桥镇</bdi>。各乡镇（街道）排名见表1。</p>
{ranking_table()}
<h2>二、新发现和反弹问题</h2>
<h3>（一）新发现问题</h3>
<p>当日新发现问题{figure("found.count", "count", 4)}个，见表2。</p>
{problems_table()}
<h3>（二）超期和反弹问题</h3>
<p>超过整改时限仍未销号的{figure("total.overdue_count", "count", 21)}个，
  其中<bdi>衡龙桥镇</bdi>{figure("ranking.430902114.overdue_count", "count", 5)}个、
  <bdi>岳家桥镇</bdi>{figure("ranking.430902112.overdue_count", "count", 4)}个；
  经督导退回或反弹的{figure("total.reopened_count", "count", 7)}个。</p>
<h2>三、督导覆盖和报送情况</h2>
<p>三个督导组当日走访未清零乡镇（街道）{figure("coverage.visited", "count", 11)}个，
  应走访{figure("coverage.due", "count", 13)}个，覆盖率{figure("coverage.pct", "pct", Decimal("84.6"))}。
  当日未报送台账的单位有汽车路街道、张家塞乡，其数据沿用最近一次报送的内容；没有变化的，不需要报送。</p>
<p>省级资金已分配{figure("funds.provincial.allocated_yuan", "yuan", Decimal("2370000.00"))}万元，
  占下达{figure("funds.provincial.received_yuan", "yuan", Decimal("8010000.00"))}万元的
  {figure("funds.provincial.allocated_pct", "pct", Decimal("29.6"))}，
  另有{figure("funds.other.received_yuan", "yuan", Decimal("3182499.00"))}万元为其他资金；
  区级资金未下达，分配率为{figure("funds.district.allocated_pct", "pct", None)}。</p>
<h2>四、下一步工作</h2>
<ol>
  <li>超期问题所在乡镇（街道）要逐一说明原因，明确<strong>责任领导</strong>和销号日期。</li>
  <li>反弹问题由督导组在三个工作日内回访，未整改到位的继续通报。</li>
  <li>新发现问题要按照“一个问题、一套整改措施、一名责任领导、一套印证资料”的要求，做到边查边改、立行立改。</li>
</ol>
"""

SERIAL = Letterhead(
    family="serial",
    series_name="问题整改日通报",
    issuer_name="资阳区扶贫办",
    issue_no=12,
    year=2020,
    document_word=None,
    title="资阳区脱贫攻坚“回头看”问题整改情况通报（2020年6月30日）",
    issued_on=date(2020, 6, 30),
    recipients="区委、区政府领导，区纪委监委",
    copies_to="各乡镇（街道）党（工）委，区直各有关部门，各督导组",
    data_label="合成样例数据，仅供演示",
    made_at=MADE_AT,
)
STATUTORY = Letterhead(
    family="statutory",
    series_name="问题整改日通报",
    issuer_name="资阳区扶贫办",
    issue_no=12,
    year=2020,
    document_word="资扶办",
    title="关于全区脱贫攻坚“回头看”排查问题整改进度情况的通报",
    issued_on=date(2020, 6, 30),
    recipients="各乡镇人民政府、街道办事处，长春经济开发区管委会，区直各有关部门",
    copies_to="区委办，区人大办，区政府办，区政协办，区纪委监委",
    data_label=None,
    made_at=MADE_AT,
)
DETAILS = (
    Detail(
        "问题明细",
        ("乡镇", "问题编号", "问题描述", "发现日期", "整改时限", "是否销号", "来源文件", "工作表", "行号"),
        [
            (place, code, text, date(2020, 6, 28), date.fromisoformat(due), "否", "=台账 20200630.xlsx", "问题台账", number + 5)
            for number, (code, place, text, due) in enumerate(PROBLEMS)
        ],
        "每个问题的最新一行，以及它来自哪个文件的哪一行。",
    ),
    Detail(
        "资金明细",
        ("资金层级", "金额（元）", "发生日期"),
        [("省级", Decimal("8010000.00"), date(2020, 3, 5)), ("其他", Decimal("3182499.00"), None)],
        None,
    ),
)
