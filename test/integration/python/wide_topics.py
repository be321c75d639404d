# Writes wide topics of random types, lists, holes and schema changes, and compares what Qanat sends with what pyarrow reads
# from the same messages. Invariant: what is expected comes from the messages in Kafka alone, not from what was written.
#
# wide_topics.py write BROKER SEED DIR     messages of the last minutes, DIR/topics.json, DIR/plan.json
# wide_topics.py check BROKER DIR URL      all channels of each topic over all its time; then a live stream, and a change
# wide_topics.py again BROKER DIR URL      writes what URL sends of the first topic into the topic "again"
import json
import random
import sys
import threading
import time
import urllib.request

import numpy as np
import pyarrow as pa
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

GPS_UNIX = 315964800
LEAP = 18
SECOND = 10**9
UNITS = {"s": SECOND, "ms": 10**6, "us": 10**3, "ns": 1}
TYPES = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"]
TOPICS = 5
SPAN_S = 100  # beyond --resume-window-ms, so that the first part is read as history


def now_gps():
    return int(time.time()) - GPS_UNIX + LEAP


def samples(rng, dtype, count):
    """Any bits, the extremes of the type and NaN among them."""
    raw = np.frombuffer(rng.bytes(count * np.dtype(dtype).itemsize), dtype=dtype).copy()
    return raw


def column_of(kind, dtype, row_samples, rows, rng, holes):
    flat = pa.array(samples(rng, dtype, rows * row_samples))
    if kind == "scalar":
        mask = rng.random(rows) < (0.05 if holes else 0)
        return pa.array(flat.to_numpy(), mask=mask)
    if kind == "fixed":
        return pa.FixedSizeListArray.from_arrays(flat, row_samples)
    offsets = np.arange(rows + 1) * row_samples
    if holes and rng.random() < 0.1 and rows > 1:
        offsets[1:-1] -= 1  # one row is short, the last one is long
    make = pa.LargeListArray if kind == "large" else pa.ListArray
    offsets = pa.array(offsets, pa.int64() if kind == "large" else pa.int32())
    return make.from_arrays(offsets, flat)


def plan_topic(number, rng):
    stride = rng.choice([SECOND // 4, SECOND // 2, SECOND])
    rows_per_block = rng.choice([1, 1, 2, 8])
    topic = {
        "topic": f"wide-{number}",
        "publisher": f"producer-{number}",
        "time": {"column": rng.choice(["time", "t"]), "unit": rng.choice(["ns", "us"]), "epoch": rng.choice(["gps", "unix"])},
        "row_rate": rows_per_block * SECOND / stride,
        "rows_per_block": rows_per_block,
        "max_latency_ns": 5 * SECOND,
        "channels": [],
    }
    columns = []
    for index in range(rng.randint(1, 8)):
        kind = rng.choice(["scalar", "list", "large", "fixed"])
        row_samples = 1 if kind == "scalar" else rng.choice([1, 2, 3, 8])
        columns.append({"name": f"c{index}", "kind": kind, "row_samples": row_samples, "dtype": rng.choice(TYPES), "then": rng.choice(TYPES) if rng.random() < 0.3 else None})
        topic["channels"].append({"column": f"c{index}", "name": f"W{number}:C{index}", "sample_rate": row_samples * topic["row_rate"]})
    return topic, columns


def tables_of(topic, columns, start, end, rng, nrng):
    """Messages as tables, with the Unix ms of their production."""
    unit, epoch = UNITS[topic["time"]["unit"]], topic["time"]["epoch"]
    rows_per_block, row_rate = topic["rows_per_block"], topic["row_rate"]
    row = int(start * row_rate)
    last = int(end * row_rate)
    half = (row + last) // 2
    while row < last:
        rows = min(rng.randint(1, 4) * rows_per_block, last - row)
        is_last = row + rows >= last
        hole = rng.random() < 0.08 and not is_last
        if not hole:
            # As doubles give them, some 100 ns off.
            times = np.array([round((row + i) * SECOND / row_rate / unit) for i in range(rows)], dtype="int64")
            if epoch == "unix":
                times += (GPS_UNIX - LEAP) * SECOND // unit
            if rng.random() < 0.05 and not is_last:
                times[rng.randrange(rows)] += int(SECOND / row_rate / unit / 3)
            names, arrays = [], []
            for column in columns:
                if rng.random() < 0.05 and not is_last:
                    continue
                dtype = column["then"] if column["then"] and row >= half else column["dtype"]
                names.append(column["name"])
                arrays.append(column_of(column["kind"], dtype, column["row_samples"], rows, nrng, not is_last))
            extra = {
                "text": pa.array(["x" * rng.randrange(9) for _ in range(rows)]),
                "word": pa.array(["a", "b"] * rows)[:rows].dictionary_encode(),
                "flag": pa.array([True] * rows),
                "pair": pa.array([{"a": 1, "b": "c"}] * rows),
                "when": pa.array([1] * rows, pa.timestamp("ms")),
            }
            for name in rng.sample(sorted(extra), rng.randrange(3)):
                at = rng.randint(0, len(names))
                names.insert(at, name)
                arrays.insert(at, extra[name])
            is_stamp = topic["time"]["unit"] == "us" and epoch == "unix"
            at = rng.randint(0, len(names))
            names.insert(at, topic["time"]["column"])
            arrays.insert(at, pa.array(times, pa.timestamp("us") if is_stamp else pa.int64()))
            produced = (row + rows) / row_rate + GPS_UNIX - LEAP
            yield pa.table(arrays, names=names), int(produced * 1000)
        row += rows


def message(table, compression=None, batch_rows=None):
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write_table(table, max_chunksize=batch_rows)
    return sink.getvalue().to_pybytes()


def create(broker, names):
    admin = AdminClient({"bootstrap.servers": broker})
    for future in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
        future.result()


def live_mapping():
    channels = [
        {"column": "a", "name": "LIVE:A", "sample_rate": 64},
        {"column": "b", "name": "LIVE:B"},
    ]
    return {"topic": "live", "time": {"column": "time", "unit": "ns", "epoch": "unix"}, "row_rate": 4, "channels": channels}


def again_mapping(topic):
    """Qanat's own Arrow output: a list for each channel, one row for each stride."""
    stride = topic["rows_per_block"] / topic["row_rate"]
    channels = [
        {"column": c["name"], "name": f"AGAIN:{c['name']}", "sample_rate": c["sample_rate"]}
        for c in topic["channels"]
    ]
    return {
        "topic": "again",
        "time": {"column": "time", "unit": "ns", "epoch": "gps"},
        "row_rate": 1 / stride,
        "max_latency_ns": 5 * SECOND,
        "channels": channels,
    }


def live_table(tick, b_type):
    """One row of a quarter of a second, which began at tick / 4 of Unix time."""
    b = np.array([tick % 100], dtype=b_type)
    a = pa.array([np.arange(16) + tick % 1000 * 16.0])
    return pa.table({"time": pa.array([tick * SECOND // 4], pa.int64()), "a": a, "b": pa.array(b)})


def write(broker, seed, folder):
    rng, nrng = random.Random(seed), np.random.default_rng(seed)
    end = now_gps() - 4
    start = end - SPAN_S
    planned = [plan_topic(number, rng) for number in range(TOPICS)]
    topics = [topic for topic, _ in planned]
    mappings = [*topics, live_mapping(), again_mapping(topics[0])]
    with open(f"{folder}/topics.json", "w") as file:
        json.dump({"topics": mappings}, file, indent=2)
    with open(f"{folder}/plan.json", "w") as file:
        json.dump({"start": start, "end": end, "topics": topics}, file)
    create(broker, [m["topic"] for m in mappings])
    producer = Producer({"bootstrap.servers": broker, "compression.type": rng.choice(["none", "lz4", "zstd"])})
    count = 0
    for topic, columns in planned:
        compression = rng.choice([None, "lz4", "zstd"])
        for table, produced in tables_of(topic, columns, start, end, rng, nrng):
            value = message(table, compression, rng.choice([None, 1, 3]))
            producer.produce(topic["topic"], value, timestamp=produced)
            count += 1
            if rng.random() < 0.01:
                producer.produce(topic["topic"], value[: rng.randrange(len(value))], timestamp=produced)
            if count % 500 == 0:
                producer.flush()
        # The last message decides which channels there are.
    tick = int(time.time() * 4) - 8
    producer.produce("live", message(live_table(tick, "int32")))
    producer.flush()
    print(f"wrote {count} messages")


def messages_of(broker, topic):
    """Batches of all messages that pyarrow can read."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "none", "enable.auto.commit": False})
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0))
    consumer.assign([TopicPartition(topic, 0, 0)])
    offset = 0
    while offset < end:
        record = consumer.poll(10)
        assert record is not None and record.error() is None, record and record.error()
        offset = record.offset() + 1
        try:
            with pa.ipc.open_stream(record.value()) as stream:
                yield stream.read_all()
        except (pa.ArrowInvalid, OSError):
            continue
    consumer.close()


def expected_of(broker, topic):
    """By channel: by start of the block, GPS ns, the type and the bytes of its samples."""
    unit, epoch = UNITS[topic["time"]["unit"]], topic["time"]["epoch"]
    rows, rate = topic.get("rows_per_block", 1), topic["row_rate"]
    period = SECOND / rate
    stride = round(period * rows)
    tolerance = 1000 if abs(period / unit - round(period / unit)) < 1e-9 else max(unit, 1000)
    found = {channel["name"]: {} for channel in topic["channels"]}
    for table in messages_of(broker, topic["topic"]):
        times = table[topic["time"]["column"]].cast(pa.int64()).to_pylist()
        gps = [t * unit - ((GPS_UNIX - LEAP) * SECOND if epoch == "unix" else 0) for t in times]
        at = 0
        while at + rows <= len(gps):
            begin = (gps[at] + stride // 2) // stride * stride
            if any(abs(gps[at + i] - begin - i * period) > tolerance for i in range(rows)):
                at += 1
                continue
            for channel in topic["channels"]:
                if channel["column"] not in table.column_names:
                    continue
                column = table[channel["column"]].slice(at, rows)
                per_row = round(channel.get("sample_rate", rate) / rate)
                value = whole(column, per_row)
                if value is not None:
                    found[channel["name"]][begin] = value
            at += rows
    return found


def whole(column, per_row):
    """Type and bytes of the samples in some rows; None where one is missing."""
    dtype, parts = None, []
    for chunk in column.chunks:
        if chunk.null_count:
            return None
        if pa.types.is_nested(chunk.type):
            if any(len(row) != per_row for row in chunk):
                return None
            chunk = chunk.flatten()
            if chunk.null_count:
                return None
        dtype = str(chunk.to_numpy(zero_copy_only=False).dtype)
        parts.append(chunk.to_numpy(zero_copy_only=False).tobytes())
    return dtype, b"".join(parts)


def rows_of(table, name):
    """By time: type and bytes of the samples of a channel in Qanat's answer."""
    found = {}
    for when, row in zip(table["time"].to_pylist(), table[name].combine_chunks()):
        if row.is_valid:
            values = row.values.to_numpy(zero_copy_only=False)
            found[when] = (str(values.dtype), values.tobytes())
    return found


def read(url, names, query):
    channels = ",".join(sorted(names))
    with urllib.request.urlopen(f"{url}/v1/arrow?channels={channels}&{query}", timeout=60) as answer:
        stream = pa.ipc.open_stream(answer)
        batches, ended = [], None
        while True:
            try:
                batch, metadata = stream.read_next_batch_with_custom_metadata()
            except StopIteration:
                break
            batches.append(batch)
            ended = (metadata or {}).get("qanat.end") or ended
    return pa.Table.from_batches(batches, stream.schema), ended


def compare(name, got, expected):
    assert got.keys() == expected.keys(), (
        name,
        f"missing {sorted(expected.keys() - got.keys())[:3]}",
        f"too many {sorted(got.keys() - expected.keys())[:3]}",
        len(got),
        len(expected),
    )
    for when in got:
        assert got[when] == expected[when], (name, when)


def compare_topic(broker, url, topic, start, end):
    names = [channel["name"] for channel in topic["channels"]]
    for _ in range(3):
        table, ended = read(url, names, f"start={start}&end={end}")
        # A machine without a free core may not answer in time: the stream ends and says so.
        if ended is None or b"complete" in ended:
            break
    blocks = 0
    for name, expected in expected_of(broker, topic).items():
        # The type of a channel is that of the last message; blocks of another type are missing.
        dtype = str(table.schema.field(name).type.value_type.to_pandas_dtype()().dtype)
        expected = {when: value for when, value in expected.items() if value[0] == dtype}
        compare(name, rows_of(table, name), expected)
        blocks += len(expected)
    return blocks


def check_live(broker, url):
    """Six seconds of rows as they are produced, and the end of a stream when a type changes."""
    producer = Producer({"bootstrap.servers": broker})
    b_types = ["int32"]
    stopping = threading.Event()

    def produce():
        tick = int(time.time() * 4)
        while not stopping.is_set():
            time.sleep(max(0, (tick + 1) / 4 - time.time()))
            producer.produce("live", message(live_table(tick, b_types[0])))
            producer.flush()
            tick += 1

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        time.sleep(11)  # the last change of types was that long ago
        table, _ = read(url, ["LIVE:A", "LIVE:B"], "duration=6")
        got = {name: rows_of(table, name) for name in ["LIVE:A", "LIVE:B"]}
        assert len(got["LIVE:A"]) >= 20, len(got["LIVE:A"])
        timer = threading.Timer(2, lambda: b_types.__setitem__(0, "int64"))
        timer.start()
        _, ended = read(url, ["LIVE:B"], "duration=30")
        assert ended and "changed" in str(ended), ended
        b_types[0] = "int32"
        time.sleep(11)
    finally:
        stopping.set()
        thread.join()
    expected = expected_of(broker, live_mapping())
    for name, rows in got.items():
        compare(name, rows, {when: expected[name][when] for when in rows})


def check(broker, folder, url):
    with open(f"{folder}/plan.json") as file:
        plan = json.load(file)
    blocks = sum(compare_topic(broker, url, topic, plan["start"], plan["end"]) for topic in plan["topics"])
    check_live(broker, url)
    print(f"equal {blocks}")


def again(broker, folder, url):
    with open(f"{folder}/plan.json") as file:
        plan = json.load(file)
    topic = plan["topics"][0]
    names = [channel["name"] for channel in topic["channels"]]
    table, _ = read(url, names, f"start={plan['start']}&end={plan['end']}")
    producer = Producer({"bootstrap.servers": broker})
    stride = round(topic["rows_per_block"] * SECOND / topic["row_rate"])
    for batch in table.to_batches():
        for row in range(batch.num_rows):
            one = pa.Table.from_batches([batch.slice(row, 1)])
            produced = (one["time"][0].as_py() + stride) // 10**6 + (GPS_UNIX - LEAP) * 1000
            producer.produce("again", message(one), timestamp=produced)
        producer.flush()
    mapping = again_mapping(topic)
    for _ in range(100):
        with urllib.request.urlopen(f"{url}/v1/channels?match=AGAIN:&limit=100") as answer:
            if len(json.load(answer)["channels"]) == len(names):
                break
        time.sleep(0.1)
    copy, _ = read(url, [c["name"] for c in mapping["channels"]], f"start={plan['start']}&end={plan['end']}")
    blocks = 0
    for name in names:
        rows = rows_of(table, name)
        compare(name, rows_of(copy, f"AGAIN:{name}"), rows)
        blocks += len(rows)
    print(f"equal {blocks}")


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "write":
        write(rest[0], int(rest[1]), rest[2])
    else:
        {"check": check, "again": again}[command](*rest)
