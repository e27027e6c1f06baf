"""A sample district: the daily ledgers of 资阳区 for 22 to 30 June 2020, invented, seeded, with planted mistakes. See README.md."""

from local.sample.daily import SampleFile, write_sample

__all__ = ["SampleFile", "write_sample"]
