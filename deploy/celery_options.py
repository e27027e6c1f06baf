"""Options of Celery: its worker loads, before it forks, what the LocalExecutor's server loads, so that no task waits for imports."""

from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG
from airflow.providers.common.compat.sdk import conf

OPTIONS = {**DEFAULT_CELERY_CONFIG, "imports": conf.getlist("core", "mp_forkserver_preload")}
