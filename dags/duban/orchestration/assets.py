"""The assets by which one DAG starts the next. An event means: there is something new; how much, the warehouse knows."""

from __future__ import annotations

from airflow.sdk import Asset, AssetAlias, AssetWatcher

from duban.orchestration.inbox_trigger import InboxTrigger

#: Files at rest in the inbox. The watcher lives in the triggerer and looks every second; nothing is polled by runs.
INBOX = Asset(name="inbox", uri="duban://inbox", group="duban", watchers=[AssetWatcher(name="inbox_watcher", trigger=InboxTrigger())])
#: New rows in `raw`.
RAW = Asset(name="raw", uri="duban://warehouse/raw", group="duban")
#: A build of the marts that succeeded.
MARTS = Asset(name="marts", uri="duban://warehouse/marts", group="duban")
#: The live ranking page.
LIVE_RANKING = Asset(name="live_ranking", uri="duban://site/live_ranking", group="duban")
#: New issues in `published`, or copies of them in the outbox.
PUBLICATIONS = Asset(name="publications", uri="duban://warehouse/published", group="duban")
#: Through it the intake announces RAW only when rows were accepted.
ACCEPTED_ROWS = AssetAlias("accepted_rows", group="duban")
