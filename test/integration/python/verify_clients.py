# Compares what many clients received (one file a client) with what the publisher wrote, with pyarrow and json alone.
# A client's rows must be consecutive strides without a repeat or a hole, each channel bit-equal to the
# published block (JSON: NaN and infinities are null), and span at least `secondsMin`.
# Reads a plan {"published": DIR, "secondsMin", "clients": [{"kind", "channels", "file"}]} and prints
# {"clients", "rows", "samples", "failures": [...]}.
import json
import os
import sys

import numpy
import pyarrow

FAILURES_MAX = 20


class Published:
    def __init__(self, directory):
        with open(os.path.join(directory, "published.json")) as header:
            info = json.load(header)
        self.stride_ns = int(info["strideNs"])
        self.places = {c["name"]: (i, c) for i, c in enumerate(info["channels"])}
        raw = numpy.fromfile(os.path.join(directory, "published.bin"), dtype=numpy.uint8)
        self.blocks = raw[: raw.size // info["blockBytes"] * info["blockBytes"]].reshape(-1, info["blockBytes"])
        self.times = {int(t): i for i, t in enumerate(self.blocks[:, :8].copy().view(numpy.int64).ravel())}

    def samples(self, time_ns, name):
        """Little-endian samples, None where the channel was left out; KeyError for a time never published."""
        block = self.blocks[self.times[time_ns]]
        index, channel = self.places[name]
        if not block[8 + index]:
            return None
        dtype = numpy.dtype(channel["dataType"])
        at = channel["byteOffset"]
        return block[at : at + channel["samples"] * dtype.itemsize].view(dtype)


def arrow_rows(path):
    with pyarrow.OSFile(path) as file:
        reader = pyarrow.ipc.open_stream(file)
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            names = batch.schema.names[1:]
            for row in range(batch.num_rows):
                yield batch.column(0)[row].as_py(), {
                    name: (batch.column(at + 1)[row].values.to_numpy() if batch.column(at + 1)[row].is_valid else None)
                    for at, name in enumerate(names)
                }


def event_rows(path):
    """Default events of an event stream; an event cut off by our own abort is not dispatched (as in a browser)."""
    with open(path, "rb") as file:
        event, data, ident = None, [], None
        for line in file:
            if not line.endswith(b"\n"):
                return
            line = line.rstrip(b"\r\n")
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif line.startswith(b"event:"):
                event = line[6:].strip()
            elif line.startswith(b"id:"):
                ident = int(line[3:])
            elif not line:
                if data and event is None:
                    # parse_int=float keeps the sign of -0; 64-bit integers come as strings
                    row = json.loads(b"\n".join(data), parse_int=float)
                    yield int(row["time"]), row["channels"], ident
                event, data = None, []


def same_json(values, expected):
    kind = expected.dtype.kind
    if expected.dtype.itemsize == 8 and kind != "f":
        return all(type(v) is str for v in values) and [int(v) for v in values] == expected.tolist()
    got = numpy.array(values, dtype=numpy.float64)
    if got.shape != expected.shape:
        return False
    if kind != "f":
        return numpy.array_equal(got, expected.astype(numpy.float64))
    finite = numpy.isfinite(expected)
    if not numpy.array_equal(numpy.isnan(got), ~finite):
        return False
    unsigned = numpy.dtype(f"u{expected.dtype.itemsize}")
    cast = got.astype(expected.dtype)
    return numpy.array_equal(cast[finite].view(unsigned), expected[finite].view(unsigned))


def check_client(client, published, seconds_min):
    """One line that says what is wrong, or None; and the rows and samples compared."""
    rows = samples = 0
    last = None
    arrow = client["kind"] == "arrow"
    source = ((t, c, None) for t, c in arrow_rows(client["file"])) if arrow else event_rows(client["file"])
    names = set(client["channels"])
    for time_ns, columns, ident in source:
        if last is not None and time_ns != last + published.stride_ns:
            return f"row {rows} is at {time_ns}, after {last}: {(time_ns - last) / published.stride_ns} strides", rows, samples
        if not arrow and ident != time_ns + published.stride_ns:
            return f"row {rows} at {time_ns} has id {ident}", rows, samples
        if columns.keys() != names:
            return f"row {rows} has channels {sorted(columns)[:3]}…, asked for {sorted(names)[:3]}…", rows, samples
        for name, got in columns.items():
            try:
                expected = published.samples(time_ns, name)
            except KeyError:
                return f"row {rows} is at {time_ns}, which was never published", rows, samples
            if (got is None) != (expected is None):
                return f"{name} at {time_ns} (row {rows}): null is {got is None}, published null is {expected is None}", rows, samples
            if got is None:
                continue
            same = numpy.array_equal(got.view(numpy.uint8), expected.view(numpy.uint8)) if arrow else same_json(got, expected)
            if not same:
                return f"{name} at {time_ns} (row {rows}) differs from what was published", rows, samples
            samples += expected.size
        last = time_ns
        rows += 1
    if rows * published.stride_ns < seconds_min * 1e9:
        return f"only {rows} rows, {rows * published.stride_ns / 1e9} s; at least {seconds_min} s were due", rows, samples
    return None, rows, samples


def main():
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    published = Published(plan["published"])
    rows = samples = 0
    failures = []
    for index, client in enumerate(plan["clients"]):
        problem, client_rows, client_samples = check_client(client, published, plan["secondsMin"])
        rows += client_rows
        samples += client_samples
        if problem is not None:
            failures.append(f"client {index} ({client['kind']}, {len(client['channels'])} channels): {problem}")
    print(json.dumps({"clients": len(plan["clients"]), "rows": rows, "samples": samples,
                      "failed": len(failures), "failures": failures[:FAILURES_MAX]}))


main()
