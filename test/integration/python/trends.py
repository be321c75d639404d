# Compares Qanat's trends, JSON events and Arrow, with numpy's of what the publisher wrote down.
# Invariant: min, max and count must be equal; a mean may differ by rounding, measured against the samples' size.
#
# trends.py DIR EVENTS ARROWS BIN_SECONDS: prints how many bins of how many channels were compared.
import json
import math
import re
import struct
import sys

import numpy
import pyarrow

directory, events_path, arrows_path, bin_seconds = sys.argv[1:]
BIN_NS = int(bin_seconds) * 1_000_000_000
ROUNDING = 1e-12

with open(f"{directory}/published.json") as file:
    published = json.load(file)
channels = published["channels"]
with open(f"{directory}/published.bin", "rb") as file:
    raw = file.read()
blocks = {}
for at in range(0, len(raw) - published["blockBytes"] + 1, published["blockBytes"]):
    blocks[struct.unpack_from("<q", raw, at)[0]] = at


def samples_in(channel_index, start_ns):
    """Samples of a channel in a bin, or None where no block had it."""
    channel = channels[channel_index]
    parts = []
    for time_ns in range(start_ns, start_ns + BIN_NS, int(published["strideNs"])):
        at = blocks.get(time_ns)
        if at is None or raw[at + 8 + channel_index] == 0:
            continue
        parts.append(
            numpy.frombuffer(raw, channel["dataType"], channel["samples"], at + channel["byteOffset"])
        )
    return numpy.concatenate(parts) if parts else None


def expect(samples):
    """min, mean, max, count, and the size that a mean's error is measured against."""
    kept = samples[~numpy.isnan(samples)] if samples.dtype.kind == "f" else samples
    if kept.size == 0:
        return None, None, None, 0, 1
    if kept.dtype.kind == "f":
        wide = kept.astype(numpy.float64)
        finite = bool(numpy.isfinite(wide).all())
        with numpy.errstate(invalid="ignore"):
            mean = math.fsum(wide) / kept.size if finite else float(numpy.mean(wide))
    else:
        exact = [int(value) for value in kept]
        mean = sum(exact) / len(exact)
        wide = kept.astype(numpy.float64)
    return kept.min().item(), mean, kept.max().item(), kept.size, float(numpy.mean(numpy.abs(wide)))


def same_mean(mean, wanted, size):
    if wanted is None or mean is None:
        return mean is wanted
    if not math.isfinite(wanted):
        return mean == wanted or math.isnan(mean) and math.isnan(wanted)
    return abs(mean - wanted) <= ROUNDING * max(size, abs(wanted))


def as_json(value, data_type):
    """A sample as JSON has it."""
    if value is None or not math.isfinite(value):
        return None
    return str(value) if data_type in ("int64", "uint64") else value


def as_sample(value, data_type):
    if data_type == "float32" and value is not None:
        return numpy.float32(value).item()
    return value


compared = 0
nulls = 0
text = open(events_path).read()
for body in re.findall(r'^data: ({"time":.*)$', text, re.M):
    told = json.loads(body)
    start_ns = int(told["time"])
    assert told["bin_ns"] == BIN_NS and start_ns % BIN_NS == 0, body
    for index, channel in enumerate(channels):
        values = told["channels"][channel["name"]]
        samples = samples_in(index, start_ns)
        if samples is None:
            assert values is None, (channel, values)
            nulls += 1
            continue
        low, mean, high, count, size = expect(samples)
        data_type = channel["dataType"]
        where = (channel["name"], start_ns, values, low, mean, high, count)
        assert values["count"] == count, where
        assert as_sample(values["min"], data_type) == as_json(low, data_type), where
        assert as_sample(values["max"], data_type) == as_json(high, data_type), where
        wanted = mean if mean is not None and math.isfinite(mean) else None
        assert same_mean(values["mean"], wanted, size), where
        compared += 1
assert compared > 0

table = pyarrow.ipc.open_stream(open(arrows_path, "rb")).read_all()
table.validate(full=True)
assert table.schema.metadata[b"qanat.trend"] == f"{bin_seconds}s".encode()
batches = 0
for row in table.to_pylist():
    for index, channel in enumerate(channels):
        values = [row[f"{channel['name']}.{part}"] for part in ("min", "mean", "max", "count")]
        samples = samples_in(index, row["time"])
        if samples is None:
            assert values == [None] * 4, (channel, values)
            continue
        low, mean, high, count, size = expect(samples)
        where = (channel["name"], row["time"], values, low, mean, high, count)
        assert values[0] == low and values[2] == high and values[3] == count, where
        assert same_mean(values[1], mean, size), where
        batches += 1
    for part in ("min", "max"):
        for channel in channels:
            kind = str(table.schema.field(f"{channel['name']}.{part}").type)
            assert kind == {"float32": "float", "float64": "double"}.get(
                channel["dataType"], channel["dataType"]
            ), kind
assert batches > 0
print(json.dumps({"json": compared, "arrow": batches, "nulls": nulls}))
