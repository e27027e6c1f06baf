"""Prints every route of the api-server, method and path, as the program knows them. Runs by itself, in the environment of Airflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def walk(routes: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route, those of applications within the application too."""
    for route in routes:
        path = prefix + getattr(route, "path", "")
        if methods := getattr(route, "methods", None):
            yield from ((method, path) for method in methods)
        else:
            yield from walk(getattr(route, "routes", None) or (), path)


if __name__ == "__main__":
    from airflow.api_fastapi.app import create_app
    from airflow.api_fastapi.execution_api.routes import execution_api_router

    # those for tasks are made when the first request comes
    print(json.dumps(sorted({*walk(create_app().routes), *walk(execution_api_router.routes, "/execution")})))
