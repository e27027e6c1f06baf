"""`python -m local.sample OUT_DIR [--seed N]`: write the sample district and say what was written."""

import argparse
from pathlib import Path

from local.sample.daily import write_sample

parser = argparse.ArgumentParser(prog="python -m local.sample", description="Write the daily ledgers of the sample district.")
parser.add_argument("out", type=Path, metavar="OUT_DIR")
parser.add_argument("--seed", type=int, default=2020)
arguments = parser.parse_args()
files = write_sample(arguments.out, arguments.seed)
for file in files:
    print(f"{file.day}  {file.unit_code}  {file.path.name}")
print(f"{len(files)} files under {arguments.out}")
