"""The tasks of the DAGs that publish issues: find what is to be published, publish it; ask a person about what is held."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import CronTriggerTimetable, Param, task

from duban.orchestration.assets import PUBLICATIONS
from duban.orchestration.defaults import TIMEZONE

#: Every day; days that the calendar of the series does not ask for have nothing to publish.
CUT_OFF = CronTriggerTimetable("30 17 * * *", timezone=TIMEZONE)
#: A run waits for a person as long as an issue is held; the days after it are published meanwhile. Locks in PostgreSQL keep the order.
MAX_ACTIVE_RUNS = 32
RELEASE, KEEP = "发布", "继续扣发"

PARAMS: dict[str, Any] = {
    "business_on": Param(None, type=["null", "string"], format="date", title="业务日期", description="默认为今天；必须是工作日"),
    "district_code": Param(None, type=["null", "string"], title="区县代码", description="默认为所有区县"),
    "correction": Param(False, type="boolean", title="更正", description="对已经出过的一期出一期更正"),
    "release_reason": Param(None, type=["null", "string"], title="放行理由", description="放行因检查未通过而扣发的一期"),
}


def publication_tasks(series: str) -> None:
    """Wire the tasks of a series into the DAG that is being made."""

    @task
    def find_issues(*, params: dict, dag_run: Any) -> list[dict[str, Any]]:
        from duban.orchestration import steps

        return steps.find_issues(series, dict(params), dag_run)

    @task(multiple_outputs=False, outlets=[PUBLICATIONS], map_index_template="{{ task.op_kwargs['asked']['district_code'] }}")
    def publish(asked: dict[str, Any]) -> dict[str, Any]:
        from duban.orchestration import steps

        return steps.publish_issue(series, asked)

    @task
    def held_issues(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [result for result in results if result["reasons"]]

    @task
    def questions(held: list[dict[str, Any]]) -> list[dict[str, str]]:
        return [_question(series, one) for one in held]

    @task(outlets=[PUBLICATIONS])
    def publish_released(answered: tuple[dict[str, Any], dict[str, Any]]) -> None:
        from duban.orchestration import steps

        steps.publish_released(series, *answered, release_option=RELEASE)

    results = publish.expand(asked=find_issues())
    held = held_issues(results)
    release = HITLOperator.partial(
        task_id="release",
        options=[RELEASE, KEEP],
        # The form cannot insist on a reason: a parameter must have a value before anybody has written one. Without it nothing is published.
        params={"reason": Param("", type="string", title="理由", description="发布必须写明理由，会记入这一期的发布记录")},
        # How long a person takes is not the task's time.
        execution_timeout=None,
        response_timeout=timedelta(days=60),
    ).expand_kwargs(questions(held))
    publish_released.expand(answered=held.zip(release.output))


def _question(series: str, held: dict[str, Any]) -> dict[str, str]:
    from duban.publishing.issues.series import SERIES

    reasons = "\n".join(f"* {reason}" for reason in held["reasons"])
    kind = SERIES[series].kind + ("（更正）" if held["is_correction"] else "")
    return {
        "subject": f"{held['district_code']} {held['business_on']} {kind}因检查未通过而扣发",
        "body": f"未通过的检查：\n\n{reasons}\n\n改正数据后重新运行本流程即自动发布；确认无误而仍要发布的，请写明理由后选择“{RELEASE}”。",
    }
