# Publishes the same channels to two brokers, each with a real arrakis-server and a real Publisher. The second broker also
# has channels that a reader may not read: of the same publisher, in the same partitions, under names that differ by a
# letter. They come and go, change, are claimed wrongly, and messages in their topics are broken or come twice.
# Invariant: what the first broker has of a channel, the second one has at the same times with the same samples.
#
# Prints {"event": "ready", "visible": [...], "hidden": [...]} after the first block.
import argparse
import json
import os
import random
import signal
import time
import types
import warnings

warnings.simplefilter("ignore")
import publisher as single
from arrakis import SeriesBlock
from arrakis.constants import topic_name
from arrakis.publish import serialize_batch
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from gpstime import gpsnow

PUBLISHER = "H1TWN"
OTHER_PUBLISHER = "H1SECRET"
VISIBLE, HIDDEN = "H1:TWN-SEEN", "H1:TWN-SEEM"
KINDS = [("float32", 64), ("int16", 64), ("int64", 16), ("float64", 256)]
EACH = 2
STRIDE_NS = 62_500_000
# No block counts as late on a machine that is busy.
MAX_LATENCY_MS = 20_000
METADATA_EVERY = 6
TWICE_EVERY = 30
BROKEN_EVERY = 50
stopping = False


def stop(*_):
    global stopping
    stopping = True


def plan(prefix):
    return [
        {
            "name": f"{prefix}_{data_type.upper()}_{rate}_{i}",
            "dataType": data_type,
            "sampleRate": rate,
            "samples": rate * STRIDE_NS // 1_000_000_000,
        }
        for data_type, rate in KINDS
        for i in range(EACH)
    ]


class World:
    """A broker with its arrakis-server and Publisher."""

    def __init__(self, kafka, directory, channels):
        self.kafka = kafka
        self.channels = channels
        args = types.SimpleNamespace(
            dir=directory,
            kafka=kafka,
            publisher=PUBLISHER,
            max_latency_ms=MAX_LATENCY_MS,
            stride_ns=STRIDE_NS,
            also=None,
            replay_id=None,
        )
        os.makedirs(directory, exist_ok=True)
        self.server, self.url = single.start_server(args, channels)
        self.publisher = single.register(args, self.url, self.server)

    def block(self, time_ns, data):
        by_name = self.publisher.channels
        return SeriesBlock(time_ns, data, {name: by_name[name] for name in data})

    def close(self):
        self.server.terminate()
        try:
            self.server.wait(5)
        except Exception:
            self.server.kill()


class Disturber:
    """Writes what the second broker has beyond the blocks, past the server, as a faulty publisher would."""

    def __init__(self, world, hidden):
        self.world = world
        self.random = random.Random(15)
        self.producer = Producer({"bootstrap.servers": world.kafka})
        self.topic = f"arrakis-metadata-{PUBLISHER}"
        self.records = self.read_records()
        self.hidden = [channel["name"] for channel in hidden]
        self.add_replay()

    def read_records(self):
        consumer = Consumer(
            {"bootstrap.servers": self.world.kafka, "group.id": "twin", "auto.offset.reset": "earliest"}
        )
        consumer.subscribe([self.topic])
        records = {}
        deadline = time.monotonic() + 30
        while len(records) < len(self.world.channels):
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(records)} records of channels in {self.topic}")
            message = consumer.poll(1)
            if message is None or message.error() or message.value() is None:
                continue
            name = message.key().decode()
            if not name.startswith("__"):
                records[name] = json.loads(message.value())
        consumer.close()
        return records

    def add_replay(self):
        """A publisher and a replay context of which the reader may read nothing."""
        record = dict(self.records[self.hidden[0]])
        record |= {"publisher": OTHER_PUBLISHER, "replay_id": "secret", "partition_id": "H1SECRET_REPLAY"}
        record["name"] = f"{HIDDEN}_REPLAYED"
        topic = f"arrakis-metadata-{OTHER_PUBLISHER}"
        admin = AdminClient({"bootstrap.servers": self.world.kafka})
        for future in admin.create_topics([NewTopic(topic, 1, 1)]).values():
            future.result()
        self.produce(topic, record["name"], json.dumps(record))
        self.producer.flush()

    def produce(self, topic, key, value):
        self.producer.produce(topic, value=value, key=key)
        self.producer.poll(0)

    def metadata(self):
        name = self.random.choice(self.hidden)
        record = dict(self.records[name])
        visible = self.records[self.random.choice([n for n in self.records if n not in self.hidden])]
        kind = self.random.randrange(7)
        if kind == 0:
            value = None
        elif kind == 1:
            value = "not a record"
        elif kind == 2:
            value = json.dumps(record | {"sample_rate": -1})
        elif kind == 3:
            # The index of a channel that is there.
            taken = {key: visible[key] for key in ("partition_id", "partition_index")}
            value = json.dumps(record | taken)
        elif kind == 4:
            # Another type than all others of its partition.
            value = json.dumps(record | {"data_type": "uint8"})
        else:
            value = json.dumps(record)
        self.produce(self.topic, name, value)

    def again(self, block):
        for partition_id, batch in block.to_row_batches(self.world.publisher.channels):
            self.produce(topic_name(partition_id, None), None, serialize_batch(batch).to_pybytes())

    def broken(self):
        partitions = {channel.partition_id for channel in self.world.publisher.channels.values()}
        for partition_id in partitions:
            self.produce(topic_name(partition_id, None), None, b"broken")


def samples_of(bank, channel, index, block_index):
    return single.samples_of(bank, index, block_index, channel["samples"])


def publish(worlds, visible, hidden, seconds):
    plain, full = worlds
    disturber = Disturber(full, hidden)
    banks = {data_type: single.make_bank(data_type, i) for i, (data_type, _) in enumerate(KINDS)}
    now_ns = int(gpsnow() * 1e9)
    first_ns = now_ns // STRIDE_NS * STRIDE_NS
    with plain.publisher, full.publisher:
        for block_index in range(int(seconds * 1_000_000_000 // STRIDE_NS)):
            time_ns = first_ns + block_index * STRIDE_NS
            seen, more = {}, {}
            for index, channel in enumerate(visible):
                # Each partition has a channel that is never left out, so that both logs have the same blocks.
                if index % EACH and (block_index + index) % 5 == 0:
                    continue
                seen[channel["name"]] = samples_of(banks[channel["dataType"]], channel, index, block_index)
            for index, channel in enumerate(hidden):
                if (block_index + index) % 7 == 0:
                    continue
                more[channel["name"]] = samples_of(banks[channel["dataType"]], channel, 100 + index, block_index)
            # In another order, too.
            both = more | seen if block_index % 2 else seen | more
            wait_s = (time_ns + STRIDE_NS) / 1e9 - gpsnow()
            if wait_s > 0:
                time.sleep(wait_s)
            if stopping:
                break
            plain.publisher.publish(plain.block(time_ns, seen))
            block = full.block(time_ns, both)
            full.publisher.publish(block)
            if block_index == 0:
                single.say("ready", visible=[c["name"] for c in visible], hidden=[c["name"] for c in hidden])
            if block_index % METADATA_EVERY == 0:
                disturber.metadata()
            if block_index % TWICE_EVERY == 0:
                disturber.again(block)
            if block_index % BROKEN_EVERY == 0:
                disturber.broken()


def check_partitions(world, visible, hidden):
    """Hidden channels share partitions with visible ones."""
    partition = {name: channel.partition_id for name, channel in world.publisher.channels.items()}
    for seen, more in zip(visible, hidden):
        assert partition[seen["name"]] == partition[more["name"]], partition


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka", required=True, help="two addresses")
    parser.add_argument("--dir", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    visible, hidden = plan(VISIBLE), plan(HIDDEN)
    addresses = args.kafka.split(",")
    worlds = []
    try:
        for i, channels in enumerate([visible, visible + hidden]):
            worlds.append(World(addresses[i], f"{args.dir}/{i}", channels))
        check_partitions(worlds[1], visible, hidden)
        publish(worlds, visible, hidden, args.seconds)
    finally:
        for world in worlds:
            world.close()


main()
