"""Makes the first administrator of Airflow; one who is there keeps the password that was chosen since.

Not by `airflow users create`: a password among its arguments is seen by everybody on the machine.
"""

from __future__ import annotations

import os

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

NAME = "admin"


def main() -> None:
    """Look, and make."""
    with get_application_builder() as builder:
        manager = builder.sm
        if manager.find_user(username=NAME):
            return
        role = manager.find_role("Admin")
        if not manager.add_user(NAME, "Duban", "Administrator", f"{NAME}@localhost", role, os.environ["DUBAN_AIRFLOW_ADMIN_PASSWORD"]):
            raise SystemExit("the administrator of Airflow could not be made")
    print(f"the administrator of Airflow is made: user {NAME}, password DUBAN_SECRET_AIRFLOW_ADMIN of .env")


if __name__ == "__main__":
    main()
