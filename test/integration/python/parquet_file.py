"""Compares a Parquet file that the page made with the Arrow stream of the same span, value by value.

usage: parquet_file.py FILE.parquet URL-OF-ARROW CHANNEL...
Prints the number of lines; ends with 1 at the first difference.
"""

import sys
import urllib.request

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

path, url, *names = sys.argv[1:]
table = pq.read_table(path)
with urllib.request.urlopen(url) as answer:
    stream = pa.ipc.open_stream(answer.read()).read_all()
assert table.column_names == ["gps_ns", *names], table.column_names
starts = np.array(stream["time"].cast(pa.int64()))
for name in names:
    lists = stream[name].combine_chunks()
    values = lists.flatten()
    got = table[name].combine_chunks()
    assert got.type == values.type, (name, got.type, values.type)
    left = got.to_numpy(zero_copy_only=False)
    right = values.to_numpy(zero_copy_only=False)
    assert left.tobytes() == right.tobytes(), name
per_row = len(values) // len(starts)
times = np.array(table["gps_ns"])
assert (times[::per_row] == starts).all()
assert (np.diff(times) > 0).all()
print(len(times))
