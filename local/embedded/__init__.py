"""The embedded default: PostgreSQL from the wheel, Airflow's four processes and the page's server, on this machine."""
