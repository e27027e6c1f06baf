#!/bin/sh
# What must be done before the services start; there is nothing to do when it was done before.
set -eu
python -m duban.install
airflow db migrate
python deploy/administrator.py
