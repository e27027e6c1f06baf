"""Which components `make up` starts anew: those that run and do not become healthy."""

from types import SimpleNamespace

import pytest

from local import airflow
from local.console import Console
from local.embedded import components

HEALTHY = dict.fromkeys(airflow.COMPONENTS, "healthy")
ALL = tuple(airflow.COMPONENTS)


@pytest.mark.parametrize(
    ("running", "states", "unwell"),
    [
        (ALL, [HEALTHY], []),
        (ALL, [{**HEALTHY, "scheduler": "unhealthy"}, HEALTHY], []),
        (ALL, [{**HEALTHY, "scheduler": "unhealthy"}], ["scheduler"]),
        (ALL, [{**HEALTHY, "triggerer": "down", "dag-processor": "unhealthy"}], ["dag-processor", "triggerer"]),
        (ALL, [{}], ["api-server"]),
        # what does not run is started anyway
        (("api-server", "triggerer"), [{**HEALTHY, "scheduler": "unhealthy"}], []),
        (("scheduler", "triggerer"), [{}], []),
        ((), [{}], []),
    ],
)
def test_components_that_do_not_become_healthy(monkeypatch, capsys, running, states, unwell):
    answers = iter([*states, *states[-1:] * 1000])
    monkeypatch.setattr(airflow, "health", lambda url: next(answers))
    found = components.unwell(SimpleNamespace(api_url=""), SimpleNamespace(running=lambda name: name in running), Console(), 0.5)
    assert found == unwell
    assert ("not healthy" in capsys.readouterr().out) == (bool(unwell) or len(states) > 1)
