"""The sample district: written the same way twice, complete, readable. Its figures are asserted from the warehouse, elsewhere."""

import csv
import hashlib
import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest

from local.sample import SampleFile, write_sample
from local.sample.daily import build_groups, build_senders
from local.sample.mistakes import FUNDS, MISTAKES, PROBLEMS, PROJECTS, VISITS
from local.sample.people import check_digit
from local.sample.places import OFFICE, read_townships
from local.sample.story import BATCHES, DAYS, DISCOVERIES, GROUPS, RECEIPTS, STORIES, UNDOINGS
from tests.ledgers import IDENTITIES, LEDGERS
from tests.oracle import ranking, supervision

SEEDS = (2020, 7, 23)
WORKING_DAYS = {date(2020, 6, day) for day in (22, 23, 24, 28, 29, 30)}
HOLIDAYS = {date(2020, 6, day) for day in (25, 26, 27)}
ID_HEADERS = {header for ledger in LEDGERS.values() for column in ledger.of_type(*IDENTITIES) for header in (column.title, *column.aliases)}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[SampleFile]]:
    out = tmp_path_factory.mktemp("sample")
    return out, write_sample(out)


def cells(path: Path) -> list[tuple[str, list[list[object]]]]:
    """(sheet, rows) of a workbook or a CSV file, by its own content."""
    if path.suffix == ".csv":
        content = path.read_bytes()
        text = content.decode("utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "gb18030")
        return [("", list(csv.reader(text.splitlines())))]
    workbook = openpyxl.load_workbook(path)
    return [(sheet.title, [[cell.value for cell in row] for row in sheet.iter_rows()]) for sheet in workbook]


def digests(out: Path) -> dict[str, str]:
    """Relative path → SHA-256 of every file under a folder."""
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in out.rglob("*") if path.is_file()}


def test_the_same_seed_gives_the_same_bytes(sample: tuple[Path, list[SampleFile]], tmp_path: Path) -> None:
    write_sample(tmp_path)
    assert digests(tmp_path) == digests(sample[0])


def test_another_seed_gives_the_same_files_with_other_contents(sample: tuple[Path, list[SampleFile]], tmp_path: Path) -> None:
    write_sample(tmp_path, seed=7)
    other, first = digests(tmp_path), digests(sample[0])
    assert other.keys() == first.keys()
    assert not set(other.values()) & set(first.values())


def test_files_stand_where_they_belong(sample: tuple[Path, list[SampleFile]]) -> None:
    out, files = sample
    assert len(files) == 77
    assert {file.path for file in files} == {path for path in out.rglob("*") if path.is_file()}
    for file in files:
        assert file.path.parent == out / f"{file.day:%Y%m%d}" / file.unit_code
        assert file.path.suffix in {".xlsx", ".csv"}
    assert files == sorted(files, key=lambda file: (file.day, file.unit_code, file.path.name))


def test_units_and_days(sample: tuple[Path, list[SampleFile]]) -> None:
    files = sample[1]
    units = set(read_townships()) | {"430902000"} | set(GROUPS)
    assert len(units) == 13
    on = {day: {file.unit_code for file in files if file.day == day} for day in WORKING_DAYS | HOLIDAYS}
    assert on[date(2020, 6, 22)] == units
    assert all(len(on[day]) >= 8 and on[day] >= set(GROUPS) for day in WORKING_DAYS)
    assert sum(len(on[day]) for day in HOLIDAYS) == 1
    assert {file.day for file in files} <= WORKING_DAYS | HOLIDAYS
    # 茈湖口镇 is silent for several days, and some unit on every day but the first.
    assert {day.day for day in WORKING_DAYS if "430902105" in on[day]} == {22, 29, 30}
    assert any(unit not in on[day] for day in WORKING_DAYS for unit in units)


def test_every_file_opens_and_tells_its_report_date(sample: tuple[Path, list[SampleFile]]) -> None:
    for file in sample[1]:
        sheets = cells(file.path)
        assert all(rows for _, rows in sheets)
        texts = [str(value) for _, rows in sheets for row in rows[:3] for value in row if value]
        day = file.day
        told = re.sub(r"\s", "", " ".join([file.path.name, *texts]))
        assert any(form in told for form in (f"{day:%Y%m%d}", f"{day:%Y-%m-%d}", f"{day.year}年{day.month}月{day.day}日")), file.path
        assert "样例数据" in told


def test_both_csv_encodings_occur(sample: tuple[Path, list[SampleFile]]) -> None:
    contents = [file.path.read_bytes() for file in sample[1] if file.path.suffix == ".csv"]
    with_bom = [content.startswith(b"\xef\xbb\xbf") for content in contents]
    assert any(with_bom)
    assert not all(with_bom)
    for content, bom in zip(contents, with_bom, strict=True):
        if not bom:
            with pytest.raises(UnicodeDecodeError):
                content.decode("utf-8")


def test_one_file_is_sent_twice(sample: tuple[Path, list[SampleFile]]) -> None:
    counts = Counter((file.unit_code, hashlib.sha256(file.path.read_bytes()).hexdigest()) for file in sample[1])
    assert sorted(counts.values())[-2:] == [1, 2]


def test_identity_numbers_are_right_unless_meant_to_be_wrong(sample: tuple[Path, list[SampleFile]]) -> None:
    right, wrong = set(), []
    for file in sample[1]:
        for _, rows in cells(file.path):
            at = None
            for row in rows:
                names = [re.sub(r"\s", "", str(value)) if value else "" for value in row]
                found = [column for column, name in enumerate(names) if name in ID_HEADERS]
                if found:
                    at = found[0]
                elif at is not None and len(row) > at and row[at] and str(row[at]) not in {"/", "无", "—"}:
                    value = row[at]
                    is_right = (
                        isinstance(value, str) and re.fullmatch(r"430902\d{8}000[\dX]", value) and check_digit(value[:17]) == value[17]
                    )
                    right.add(value) if is_right else wrong.append(value)
    assert len(right) > 100
    meant = [mistake.changes["证件号码"] for mistake in MISTAKES if mistake.rule == "R07"]
    # A number cell keeps 15 digits of 18.
    assert Counter(value if isinstance(value, str) else float(value) for value in wrong) == Counter(
        value if isinstance(value, str) else float(value) for value in meant
    )
    assert len(meant) == 3


def test_check_digit_follows_the_standard() -> None:
    # The example printed in GB 11643-1999.
    assert check_digit("11010519491231002") == "X"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_mistake_is_planted_once(seed: int) -> None:
    planted: list[object] = []
    senders = build_senders(seed)
    for sender in [*senders, *build_groups(senders, seed)]:
        planted += [mistake for items in sender.items.values() for item in items for mistake in item.mistakes.values()]
    meant = [mistake for mistake in MISTAKES if mistake.kind != "stray"]
    assert sorted(map(repr, planted)) == sorted(map(repr, meant))


@pytest.mark.parametrize("seed", SEEDS)
def test_keys_and_names_are_distinct(seed: int) -> None:
    senders = build_senders(seed)
    problems = [item.problem_no for sender in senders for item in sender.items[PROBLEMS]]
    projects = [item for sender in senders for item in sender.items[PROJECTS]]
    movements = [(sender.unit, item.movement_no) for sender in senders for item in sender.items[FUNDS]]
    households = [item.household.id_number for sender in senders for item in sender.items[PROBLEMS] if item.household]
    for keys in (problems, [one.project_no for one in projects], [one.name for one in projects], movements, households):
        assert len(keys) == len(set(keys))
    places = read_townships()
    for sender in senders:
        for item in sender.items[PROBLEMS]:
            assert item.village is None if sender.unit.endswith("000") else item.village in places[sender.unit].villages
        for project in sender.items[PROJECTS]:
            assert set(project.villages) <= set(places[sender.unit].villages if sender.unit in places else ())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_visit_names_a_problem_that_the_township_had_reported_before(seed: int) -> None:
    senders = build_senders(seed)
    owners = {sender.unit: None if sender.unit == OFFICE else sender.name for sender in senders}
    known = {
        item.problem_no: (owners[sender.unit], item.village, item.accepted_on) for sender in senders for item in sender.items[PROBLEMS]
    }
    records: set[str] = set()
    for group in build_groups(senders, seed):
        numbers = [visit.record_no for visit in group.items[VISITS]]
        assert len(numbers) == len(set(numbers))
        assert not records & set(numbers)
        records |= set(numbers)
        for visit in group.items[VISITS]:
            # The files of a day arrive in any order.
            rows = [(day, visit.row(day)) for day in DAYS if day >= visit.sent_on]
            for day, row in rows:
                if row["问题编号"]:
                    township, village, accepted_on = known[row["问题编号"]]
                    assert (row["乡镇"], row["村(社区)"]) == (township, village)
                    assert accepted_on < day
            assert all((row["问题编号"] is None) == (row["核查结论"] in ("已巡查", "新发现")) for _, row in rows[:1])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_seed_has_the_figures_of_the_story(seed: int) -> None:
    """Problems and visits as the gate lets them pass, judged by the oracle: what the days lead to, and what the groups see."""
    senders = build_senders(seed)
    at = datetime(2020, 6, 30, tzinfo=UTC)
    codes = {sender.name: sender.unit for sender in senders}
    statuses = {"未整改": "open", "整改中": "in_progress", "整改到位": "rectified"}
    problems = [
        ranking.ProblemVersion(
            "430902", row["问题编号"], codes.get(row["乡镇"]), sender.unit, sender.unit == OFFICE, statuses[row["整改状态"]],
            row["发现日期"], row["整改时限"], row["完成日期"], day, at,
        )
        for sender in senders for item in sender.items[PROBLEMS] if not item.is_void
        for day in DAYS if day >= item.accepted_on and day.day in sender.days[PROBLEMS] and day not in item.mistakes
        for row in [item.row(day)]
    ]  # fmt: skip
    visits = [
        ranking.VisitVersion(
            "430902", group.unit, row["记录编号"], row["督导日期"], row["问题编号"], row["核查结论"], day, at, bool(row["撤销原因"]),
            codes.get(row["乡镇"]),
        )
        for group in build_groups(senders, seed) for item in group.items[VISITS] for day in DAYS if day >= item.sent_on
        for row in [item.row(day)]
    ]  # fmt: skip
    campaign = ranking.Campaign("430902", date(2020, 4, 1), date(2020, 6, 30))
    townships = [ranking.Township(code, not code.endswith("401")) for code in read_townships()]
    days = ranking.township_days(problems, visits, [campaign], townships, today=DAYS[-1])
    district = {
        day.day: tuple(sum(getattr(figures, name) for (on, _), figures in days.items() if on == day) for name in ("rectified", "open"))
        for day in DAYS
    }
    assert district[30] == (237, 36)
    for day in DAYS:
        told = [max(known for known in story.progress if known[0] <= day.day) for story in STORIES.values()]
        city = sum(1 for story in STORIES.values() if story.city_closed_on and story.city_closed_on <= day.day)
        undone = sum(1 for one in UNDOINGS if one.claimed_on < one.visited_on <= day and day < one.again_on)
        assert district[day.day][0] == sum(rectified for _, _, rectified in told) + city - undone, day
    reopened = {(code[-3:], day.day): figures.reopened for (day, code), figures in days.items() if day in DAYS and figures.reopened}
    assert {code for code, day in reopened if day == 30} == {"105", "203"}
    assert [day for code, day in reopened if code == "104"] == [29]
    seen = {
        row.day.day: (row.visited, row.due, row.returned, row.relapsed, row.found)
        for row in supervision.supervision_days(days, visits, campaign, DAYS[-1])
        if row.group_code is None and row.visits
    }
    assert seen == {
        22: (0, 0, 0, 0, 0), 23: (6, 9, 0, 0, 0), 24: (9, 9, 2, 0, 0), 28: (7, 9, 1, 1, 1), 29: (7, 8, 0, 1, 0), 30: (8, 9, 1, 0, 1),
    }  # fmt: skip
    assert len(UNDOINGS) == sum(sum(row[2:4]) for row in seen.values())
    assert len(DISCOVERIES) == sum(row[4] for row in seen.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_projects_are_paid_by_the_batches_of_the_story(seed: int) -> None:
    projects = [item for sender in build_senders(seed) for item in sender.items[PROJECTS]]
    for batch in BATCHES:
        assert sum(project.allocated for project in projects if project.batch == batch) == batch.amount
    for tier in ("中央", "省级", "市级"):
        received = sum(receipt.amount if receipt.stage == "下达" else -receipt.amount for receipt in RECEIPTS if receipt.tier == tier)
        assert received >= sum(batch.amount for batch in BATCHES if batch.tier == tier)


def test_the_real_table_is_as_published() -> None:
    path = Path(__file__).parents[2] / "local" / "sample" / "beita_2020_central_batch1.csv"
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0] == ["序号", "村名", "项目名称", "建设内容", "资金金额"]
    assert sum("小计" in row or "合计" in row for row in rows) == 3
    assert hashlib.sha256(path.read_bytes()).hexdigest() == "a0d61965a0de90608aa8f962cd5cea515490f274cc03b738c1477ed801b4d06c"
