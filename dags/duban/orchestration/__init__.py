"""What the DAG files are wired from. The only subpackage that imports Airflow."""
