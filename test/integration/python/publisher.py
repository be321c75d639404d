# Owns one real arrakis-server process and one real arrakis Publisher, and a record of all they publish.
# Invariant: a block is in DIR/published.bin before it is handed to Kafka, and values depend on
# (channel, block) alone, so that a reader can compare bit for bit at any time.
#
# published.json: {"strideNs", "channels": [{"name", "dataType", "sampleRate", "samples", "byteOffset"}], "blockBytes"}
# published.bin, one block after another:
#   byteOffset 0   int64   time of the block, GPS ns
#              8   uint8   one per channel: 1 published, 0 left out; padded to 8
#    byteOffset[i] samples of channel i, little-endian, padded to 8
import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")
import numpy

RATES_HZ = [16, 64, 256, 512, 1024, 2048]
DATA_TYPES = ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
BANK_SAMPLES = 1 << 16
SECOND = 1_000_000_000
# One partition stalls from GPS second mod STALL_CYCLE_S on, for so long: within a latency of 3 s, and beyond it.
STALL_CYCLE_S = 12
STALLS = [(0, 1), (4, 6)]
# How long nothing is published after SIGUSR1.
AWAY_S = 60
stopping = False
away_until = 0.0


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def round_up(count, step):
    return (count + step - 1) // step * step


def plan_channels(count, stride_ns, tag, only_type=None, only_rate=None):
    channels = []
    for index in range(count):
        data_type = only_type or DATA_TYPES[index % len(DATA_TYPES)]
        rate = only_rate or RATES_HZ[(index // len(DATA_TYPES) + index) % len(RATES_HZ)]
        channels.append(
            {
                "name": f"H1:{tag}-{data_type.upper()}_{rate}_{index:04d}",
                "dataType": data_type,
                "sampleRate": rate,
                "samples": rate * stride_ns // 1_000_000_000,
            }
        )
    at = 8 + round_up(count, 8)
    for channel in channels:
        channel["byteOffset"] = at
        at += round_up(channel["samples"] * numpy.dtype(channel["dataType"]).itemsize, 8)
    return channels, at


def make_bank(data_type, seed):
    """Random samples of one type, with each value that formats get wrong."""
    rng = numpy.random.default_rng([0x51414E, seed])
    dtype = numpy.dtype(data_type)
    if dtype.kind == "f":
        bank = rng.standard_normal(BANK_SAMPLES) * 10.0 ** rng.integers(-24, 12, BANK_SAMPLES)
        bank = bank.astype(dtype)
        special = [numpy.nan, numpy.inf, -numpy.inf, -0.0, 0.0, 1.0, -1.0, 1e21, 1e-7, 123456789.0]
        places = rng.integers(0, BANK_SAMPLES, BANK_SAMPLES // 16)
        bank[places] = numpy.resize(numpy.array(special, dtype=dtype), places.size)
        return bank
    limits = numpy.iinfo(dtype)
    bank = rng.integers(limits.min, limits.max, BANK_SAMPLES, dtype=dtype, endpoint=True)
    places = rng.integers(0, BANK_SAMPLES, BANK_SAMPLES // 16)
    bank[places] = numpy.resize(numpy.array([limits.min, limits.max, 0], dtype=dtype), places.size)
    return bank


def samples_of(bank, channel_index, block_index, samples):
    at = (channel_index * 7919 + block_index * 257) % (BANK_SAMPLES - samples)
    return bank[at : at + samples]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_config(config, publisher, channels, max_latency_ms, stride_ns):
    os.makedirs(config, exist_ok=True)
    with open(os.path.join(config, f"{publisher}.toml"), "w") as toml:
        toml.write(f'[publisher]\npublisher_id = "{publisher}"\n')
        toml.write(f"max_latency = {max_latency_ms * 1_000_000}\nstride = {stride_ns}\n")
        if not channels:
            # registers its channels by itself
            toml.write("dynamic = true\n")
        for channel in channels:
            toml.write(f'\n["{channel["name"]}"]\nsample_rate = {channel["sampleRate"]}\n')
            toml.write(f'data_type = "{channel["dataType"]}"\n')


def start_server(args, channels):
    config = os.path.join(args.dir, "publishers")
    write_config(config, args.publisher, channels, args.max_latency_ms, args.stride_ns)
    for also in args.also or []:
        publisher, tag, stride_ns, count, *latency = also.split(",")
        others, _ = plan_channels(int(count), int(stride_ns), tag)
        write_config(config, publisher, others, int((latency or [args.max_latency_ms])[0]), int(stride_ns))
    url = f"grpc://127.0.0.1:{free_port()}"
    command = [os.path.join(os.path.dirname(sys.executable), "arrakis-server"), "-u", url]
    command += ["KAFKA", "--kafka-url", args.kafka, "--publisher-config", config]
    log = open(os.path.join(args.dir, "arrakis-server.log"), "w")
    # else all servers of a machine share one database of channels
    env = {**os.environ, "XDG_CACHE_HOME": os.path.join(args.dir, "cache")}
    return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env), url


def register(args, url, server):
    from arrakis import Publisher

    deadline = time.monotonic() + 60
    while True:
        try:
            return Publisher(args.publisher, url, args.replay_id, token=False).register()
        except Exception as error:
            if server and server.poll() is not None:
                raise SystemExit(f"arrakis-server ended with {server.returncode}: see {args.dir}/arrakis-server.log")
            if time.monotonic() > deadline:
                raise SystemExit(f"cannot register with arrakis-server at {url} within 60 s: {error}")
            time.sleep(0.25)


class StallingProducer:
    """A producer that keeps the messages of one topic back while it stalls, and then sends them in their order."""

    def __init__(self, producer, topic):
        self._producer = producer
        self._topic = topic
        self._held = []
        self._lock = threading.Lock()
        threading.Thread(target=self._send_held, daemon=True).start()

    def __getattr__(self, name):
        return getattr(self._producer, name)

    def produce(self, topic, value, **options):
        with self._lock:
            if topic == self._topic and (self._held or is_stalled()):
                self._held.append(value)
                return
        self._producer.produce(topic=topic, value=value, **options)

    def _send_held(self):
        while True:
            time.sleep(0.01)
            with self._lock:
                if self._held and not is_stalled():
                    for value in self._held:
                        self._producer.produce(topic=self._topic, value=value)
                    self._held = []
                    self._producer.flush()


def is_stalled():
    from gpstime import gpsnow

    second = gpsnow() % STALL_CYCLE_S
    return any(start <= second < start + duration for start, duration in STALLS)


def stall(publisher, data_type):
    partition = next(c.partition_id for c in publisher.channels.values() if c.data_type == data_type)
    publisher._producer = StallingProducer(publisher._producer, f"arrakis-{partition}")


def publish(args, publisher, channels, block_bytes):
    from arrakis import SeriesBlock
    from gpstime import gpsnow

    banks = {data_type: make_bank(data_type, i) for i, data_type in enumerate(DATA_TYPES)}
    by_name = publisher.channels
    now_ns = int(gpsnow() * 1e9)
    stride_ns = args.stride_ns
    first_ns = now_ns // stride_ns * stride_ns
    blocks = int(args.seconds * 1_000_000_000 // stride_ns)
    late_ms_max = 0.0
    with open(os.path.join(args.dir, "published.bin"), "wb", buffering=0) as record, publisher:
        if args.stall_type:
            stall(publisher, args.stall_type)
        for block_index in range(blocks):
            time_ns = first_ns + block_index * stride_ns
            # all but publishing is done before the block's end, so that latencies from there are not this script's
            raw = bytearray(block_bytes)
            raw[0:8] = time_ns.to_bytes(8, "little")
            data = {}
            for index, channel in enumerate(channels):
                if args.partial_every and (block_index + index) % args.partial_every == 0 and index % 5 == 0:
                    continue
                values = samples_of(banks[channel["dataType"]], index, block_index, channel["samples"])
                raw[8 + index] = 1
                at = channel["byteOffset"]
                raw[at : at + values.nbytes] = values.tobytes()
                data[channel["name"]] = values
            block = SeriesBlock(time_ns, data, {name: by_name[name] for name in data})
            wait_s = (time_ns + stride_ns) / 1e9 - gpsnow()
            if wait_s > 0:
                time.sleep(wait_s)
            else:
                late_ms_max = max(late_ms_max, -wait_s * 1000)
            if stopping:
                break
            if time.monotonic() < away_until:
                continue
            record.write(raw)
            publisher.publish(block)
            if block_index == 0:
                say("ready", firstNs=str(time_ns))
        say("done", blocks=block_index + 1, lateMsMax=round(late_ms_max, 1))


def stop(*_):
    global stopping
    stopping = True


def go_away(*_):
    global away_until
    away_until = time.monotonic() + AWAY_S


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--dir", required=True)
    parser.add_argument(
        "--also",
        action="append",
        help="PUBLISHER,TAG,STRIDE_NS,CHANNELS[,MAX_LATENCY_MS] of one that will publish to this server, too",
    )
    parser.add_argument("--server", help="URL of a server that knows the publisher: of another publisher.py, with --also")
    parser.add_argument("--replay-id", help="publish into this context")
    parser.add_argument("--stall-type", help="the partition of this data type stalls now and then")
    parser.add_argument("--channels", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--publisher", default="H1QNT")
    parser.add_argument("--data-type", choices=DATA_TYPES, help="of every channel; without it they differ")
    parser.add_argument("--rate", type=int, help="of every channel, Hz; without it they differ")
    parser.add_argument("--tag", default="QNT", help="subsystem in the channels' names")
    parser.add_argument("--stride-ns", type=int, default=62_500_000)
    parser.add_argument("--max-latency-ms", type=int, default=4000)
    parser.add_argument("--partial-every", type=int, default=0, help="leave channels out of some blocks")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGUSR1, go_away)
    os.makedirs(args.dir, exist_ok=True)
    channels, block_bytes = plan_channels(args.channels, args.stride_ns, args.tag, args.data_type, args.rate)
    with open(os.path.join(args.dir, "published.json"), "w") as header:
        json.dump({"strideNs": str(args.stride_ns), "channels": channels, "blockBytes": block_bytes}, header)
    server, url = (None, args.server) if args.server else start_server(args, channels)
    try:
        publisher = register(args, url, server)
        say("registered", arrakis=url, channels=len(publisher.channels))
        publish(args, publisher, channels, block_bytes)
    finally:
        if server:
            server.terminate()
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()


if __name__ == "__main__":
    main()
