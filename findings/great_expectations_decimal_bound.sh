#!/usr/bin/env bash
# great-expectations 1.24.1 (pandas 3.1.1): a Decimal given as max_value is turned into a float before it is compared with the Decimals
# of the column, so that a value equal to its bound is reported as too large. The result shows the bound as it was given, 86.8.
#
# Seen: "86.8 <= 86.8: False", "86.5 <= 86.5: True" (a half is the same number as float and as Decimal).
# Who checks money or rates as Decimals: compare with a column that holds the bound, as Decimals.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check great-expectations==1.24.1 pandas==3.1.1
cat > "$folder/try.py" <<'PY'
import logging
from decimal import Decimal

import great_expectations as gx
import pandas as pd

logging.disable(logging.CRITICAL)
context = gx.get_context(mode="ephemeral")
frames = context.data_sources.add_pandas("frames").add_dataframe_asset("asset").add_batch_definition_whole_dataframe("batch")
for text in ("86.8", "86.5"):
    batch = frames.get_batch({"dataframe": pd.DataFrame({"rate": [Decimal(text)]})})
    result = batch.validate(gx.expectations.ExpectColumnValuesToBeBetween(column="rate", max_value=Decimal(text)))
    print(f"{text} <= {result.expectation_config.kwargs['max_value']}: {result.success}")
PY
seen="$("$folder/venv/bin/python" "$folder/try.py" 2>/dev/null)"
printf '%s\n' "$seen"
[ "$seen" = $'86.8 <= 86.8: False\n86.5 <= 86.5: True' ] || { echo "the behaviour has changed" >&2; exit 1; }
