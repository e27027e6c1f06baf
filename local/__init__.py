"""The embedded default: PostgreSQL from the wheel and Airflow on this machine, started, watched and stopped by `python -m local`."""
