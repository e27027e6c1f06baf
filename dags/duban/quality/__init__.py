"""The gate: declared rules → Great Expectations → verdict per row → receipt and return slip."""
