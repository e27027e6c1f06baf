"""Duban: township ledgers in, a ranking out. The folders read like the pipeline: intake → quality → (dbt) → publishing."""
