# One librdkafka consumer as a reference for the compared servers: how late a block is before any server has touched it.
# Invariant: loopback only, bounded in seconds, ends by itself.
#
# bare_consumer.py BROKER TOPIC_PREFIX SECONDS STRIDE_NS: reads partition 0 of each topic whose name begins so, from its
# end. Says one line: {"event": "done", "blocks", "latenciesMs": [p50, p99, p99.9, max]}, from a block's end to receipt.
import json
import sys
import time
import warnings

warnings.simplefilter("ignore")
import numpy
import pyarrow
from confluent_kafka import OFFSET_END, Consumer, TopicPartition
from gpstime import gpsnow

SECONDS_MAX = 120
SETTLE_S = 3


def main():
    broker, prefix, seconds, stride_ns = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    if not broker.startswith("127.0.0.1:") or not 0 < seconds <= SECONDS_MAX:
        raise SystemExit(f"a broker of 127.0.0.1, for at most {SECONDS_MAX} s")
    gps_minus_unix_ns = round(gpsnow() - time.time()) * 1_000_000_000
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "bare-consumer", "enable.auto.commit": False})
    topics = [name for name in consumer.list_topics(timeout=10).topics if name.startswith(prefix)]
    if not topics:
        raise SystemExit(f"{broker} has no topic that begins with {prefix}")
    consumer.assign([TopicPartition(name, 0, OFFSET_END) for name in topics])
    begin = time.monotonic() + SETTLE_S
    latencies = []
    while time.monotonic() < begin + seconds:
        message = consumer.poll(0.5)
        read_ns = time.time_ns()
        if message is None or message.error() or time.monotonic() < begin:
            continue
        batch = pyarrow.ipc.open_stream(message.value()).read_next_batch()
        latencies.append((read_ns + gps_minus_unix_ns - batch.column("time")[0].as_py() - stride_ns) / 1e6)
    consumer.close()
    if not latencies:
        raise SystemExit(f"nothing came from {', '.join(topics)} in {seconds} s")
    parts = numpy.percentile(latencies, [50, 99, 99.9, 100]).round(1).tolist()
    print(json.dumps({"event": "done", "blocks": len(latencies), "latenciesMs": parts}), flush=True)


if __name__ == "__main__":
    main()
