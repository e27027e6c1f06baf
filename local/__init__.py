"""Running Duban: the operator's commands, `python -m local`, on the system they find.

`embedded/` is the system of one machine, PostgreSQL from the wheel and Airflow; `containers/` that of docker-compose.yml, seen from a
container of its own. `commands/` has a module for each command and asks neither which of the two it is.
"""
