"""The tasks of the DAGs that publish issues: find what is to be published, publish it; ask a person about what is held."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import CronTriggerTimetable, Param, get_current_context, task, task_group

from duban.orchestration.assets import PUBLICATIONS
from duban.orchestration.defaults import DEFAULT_ARGS, TIMEZONE

#: Every day; days that the calendar of the series does not ask for have nothing to publish.
CUT_OFF = CronTriggerTimetable("30 17 * * *", timezone=TIMEZONE)
RELEASE, KEEP = "发布", "继续暂缓"
#: Whoever has not answered by then keeps it held; asked for again, the issue asks again.
DAYS_TO_ANSWER = 10

_PARAMS: dict[str, Any] = {
    "business_on": Param(None, type=["null", "string"], format="date", title="业务日期", description="默认为今天；必须是工作日"),
    "district_code": Param(None, type=["null", "string"], title="区县代码", description="默认为所有区县"),
    "correction": Param(False, type="boolean", title="更正", description="对已经出过的一期出一期更正"),
    "release_reason": Param(None, type=["null", "string"], title="放行理由", description="放行因检查未通过而暂缓的一期；须指明区县代码"),
}
#: What every DAG of a series is made of, beside its schedule.
OF_ISSUES: dict[str, Any] = {
    "catchup": False,
    # A run waits for a person as long as an issue is held; the days after it are published meanwhile. Locks in PostgreSQL keep the order.
    "max_active_runs": 32,
    "params": _PARAMS,
    "default_args": DEFAULT_ARGS,
    "tags": ["publishing"],
}


def publication_tasks(series: str) -> None:
    """Wire the tasks of a series into the DAG that is being made."""

    @task
    def find_issues(*, params: dict, dag_run: Any, ti: Any) -> list[dict[str, Any]]:
        from duban.orchestration import steps

        return steps.find_issues(series, dict(params), dag_run, ti)

    @task(multiple_outputs=False, outlets=[PUBLICATIONS], map_index_template="{{ district_code }}")
    def publish(asked: dict[str, Any], *, ti: Any = None) -> dict[str, Any]:
        from duban.orchestration import steps

        get_current_context()["district_code"] = asked["district_code"]
        return steps.publish_issue(series, asked, ti)

    @task(multiple_outputs=True)
    def ask(result: dict[str, Any]) -> dict[str, str]:
        from duban.orchestration import steps

        return steps.question(series, result, release_option=RELEASE)

    @task(outlets=[PUBLICATIONS])
    def publish_released(held: dict[str, Any], answer: dict[str, Any], *, ti: Any = None) -> None:
        from duban.orchestration import steps

        steps.publish_released(series, held, answer, ti, release_option=RELEASE)

    # One for each district: what is held in one waits for nobody else, and nobody else for it.
    @task_group(prefix_group_id=False)
    def issue(asked: dict[str, Any]) -> None:
        result = publish(asked)
        question = ask(result)
        release = HITLOperator(
            task_id="release",
            # values of another task, not templates: what a clerk wrote is never evaluated
            subject=question["subject"],
            body=question["body"],
            options=[RELEASE, KEEP],
            defaults=[KEEP],
            # The form cannot insist on a reason: a parameter needs a value before anybody writes one. Without it nothing is published.
            params={"reason": Param("", type="string", title="理由", description="发布必须写明理由，会记入这一期的发布记录")},
            # How long a person takes is not the task's time.
            execution_timeout=None,
            response_timeout=timedelta(days=DAYS_TO_ANSWER),
        )
        publish_released(result, release.output)

    issue.expand(asked=find_issues())
