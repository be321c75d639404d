# Reads a live Arrow stream over HTTP with pyarrow, one batch at a time, as a user of Arrakis would.
# Prints {"schema": ...}, then {"time", "columns": {name: base64 of the samples | null}} a row, then {"end": ...}.
import base64
import json
import sys

import pyarrow
import requests


def describe(schema):
    return [
        {
            "name": field.name,
            "type": str(field.type),
            "nullable": field.nullable,
            "metadata": {k.decode(): v.decode() for k, v in (field.metadata or {}).items()},
        }
        for field in schema
    ]


def samples(scalar):
    if not scalar.is_valid:
        return None
    values = scalar.values
    assert values.null_count == 0, "a sample is null: Arrakis has only null lists"
    return base64.b64encode(values.to_numpy(zero_copy_only=True).tobytes()).decode()


def main():
    url, rows_max = sys.argv[1], int(sys.argv[2])
    headers = {"Authorization": f"Bearer {sys.argv[3]}"} if len(sys.argv) > 3 else {}
    rows = 0
    with requests.get(url, stream=True, timeout=30, headers=headers) as response:
        response.raise_for_status()
        reader = pyarrow.ipc.open_stream(response.raw)
        print(json.dumps({"schema": describe(reader.schema)}), flush=True)
        for batch in reader:
            batch.validate(full=True)
            for row in range(batch.num_rows):
                columns = {
                    name: samples(batch.column(at)[row])
                    for at, name in enumerate(batch.schema.names)
                    if name != "time"
                }
                print(json.dumps({"time": str(batch.column("time")[row].as_py()), "columns": columns}), flush=True)
                rows += 1
            if rows >= rows_max:
                break
        else:
            print(json.dumps({"end": "end of stream"}), flush=True)


main()
