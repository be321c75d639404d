# Reads one selection live while the server is exchanged, with pyarrow and with qanat_client, each of which continues
# after its last row. Takes the URL, a file of certificates, and names; ends when it is ended.
# Prints {"reader", "time", "columns": {name: base64 of the samples | null}} for each row, {"reader", "gap"} for each gap,
# and {"reader", "break"} for each broken connection.
import base64
import json
import sys
import threading
import time

import numpy
import pyarrow
import requests
import urllib3

sys.path.insert(0, "clients/python/src")
import qanat_client

PAUSE_S = 0.5
BREAKS = (requests.RequestException, urllib3.exceptions.HTTPError, pyarrow.ArrowInvalid, OSError)


def say(line):
    # In one piece: two threads write.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def encoded(values):
    return base64.b64encode(numpy.ascontiguousarray(values).tobytes()).decode()


def rows_of(batch):
    for row in range(batch.num_rows):
        columns = {}
        for at, name in enumerate(batch.schema.names):
            if name == "time":
                continue
            scalar = batch.column(at)[row]
            columns[name] = encoded(scalar.values.to_numpy(zero_copy_only=True)) if scalar.is_valid else None
        yield batch.column("time")[row].as_py(), columns


def by_pyarrow(url, certificates, names, stride_ns):
    """As docs/protocol.md says under "Resume of Arrow": `after` is the end of the last row."""
    query = {"channels": ",".join(names)}
    while True:
        try:
            with requests.get(f"{url}/v1/arrow", query, stream=True, timeout=30, verify=certificates) as answer:
                answer.raise_for_status()
                reader = pyarrow.ipc.open_stream(answer.raw)
                for batch, metadata in reader.iter_batches_with_custom_metadata():
                    if metadata and b"qanat.gap" in metadata:
                        say({"reader": "pyarrow", "gap": metadata[b"qanat.gap"].decode()})
                    for start_ns, columns in rows_of(batch):
                        say({"reader": "pyarrow", "time": str(start_ns), "columns": columns})
                        query["after"] = str(start_ns + stride_ns)
        except BREAKS as error:
            say({"reader": "pyarrow", "break": type(error).__name__})
        time.sleep(PAUSE_S)


def by_client(url, certificates, names):
    for block in qanat_client.Client(url, cafile=certificates).stream(names):
        columns = {name: encoded(block[name].array) if block[name].mask is None else None for name in names}
        say({"reader": "qanat_client", "time": str(block.time_ns), "columns": columns})


def main():
    url, certificates, stride_ns, *names = sys.argv[1:]
    arrow = threading.Thread(target=by_pyarrow, args=(url, certificates, names, int(stride_ns)), daemon=True)
    arrow.start()
    by_client(url, certificates, names)


if __name__ == "__main__":
    main()
