# The calls that are made to arrakis-server and to Qanat: with arrakis.Client, arrakis.Publisher and pyarrow.flight.
# Invariant: nothing is known about either server.
import os
import signal
import threading
import warnings

warnings.simplefilter("ignore")
import numpy
import pyarrow
from arrakis import Channel, Publisher
from gpstime import gpsnow
from parity_runner import (
    ANY,
    LATE,
    SECOND,
    Past,
    Rows,
    arguments,
    background,
    bytes_of,
    case,
    channels_of,
    described,
    in_order,
    request,
    rows_of,
    run,
)
from publisher import STALL_CYCLE_S, STALLS
from pyarrow import flight

# A block that is late by less than max_latency (3 s) is waited for; between these two it depends on the moment.
WITHIN_S = 1.25
BEYOND_S = 4.5
STALLING_STRIDE_S = 0.25
STALLED = "-INT16_"

# Discovery


@case
def find_all(world):
    return channels_of(world.client.find())


@case
def find_by_pattern(world):
    return channels_of(world.client.find("H1:QNT.*FLOAT"))


@case
def find_pattern_is_anchored_at_the_start(world):
    return channels_of(world.client.find("QNT"))


@case
def find_by_type(world):
    return channels_of(world.client.find(data_type=["float64", "int32"]))


@case
def find_by_rate(world):
    return channels_of(world.client.find(min_rate=64, max_rate=512))


@case
def find_by_publisher(world):
    return channels_of(world.client.find(publisher="H1OTH"))


@case
def find_at_a_time(world):
    return channels_of(world.client.find(time=world.now - 5))


@case
def find_nothing(world):
    return channels_of(world.client.find("X9:NONE"))


@case
def find_bad_pattern(world):
    return channels_of(world.client.find("("))


@case
def find_in_unknown_replay(world):
    return channels_of(world.client.find(replay_id="nothing"))


@case
def count_all(world):
    return world.client.count()


@case
def count_filtered(world):
    return world.client.count("H1:", data_type="float32", min_rate=16, max_rate=1024, publisher=["H1QNT", "H1OTH"])


@case
def count_nothing(world):
    return world.client.count("X9:NONE")


@case
def describe_channels(world):
    return channels_of(world.client.describe([world.live[1], world.partial[0], world.live[0]]).values())


@case
def describe_unknown(world):
    return channels_of(world.client.describe([world.live[0], "H1:QNT-NOPE", "H9:NO-SUCH"]).values())


@case
def describe_nothing(world):
    return world.client.describe([])


@case
def server_info(world):
    info = world.client.server_info()
    return {key: type(value).__name__ for key, value in info.items()}


@case
def server_info_values(world):
    info = world.client.server_info()
    return {key: info[key] for key in ["domains", "auth", "auth_mode", "auth_methods", "capabilities"]}


@case
def scope_map(world):
    return in_order(world.client.scope_map())


@case
def domains_and_endpoints(world):
    endpoints = world.client.endpoints()
    return world.client.domains(), [url.replace(world.url, "SELF") for url in endpoints]


@case
def replays(world):
    return world.client.replays()


# Flight without Arrakis's client


@case
def info_of_find(world):
    return world.info(request("Find", **ANY))


@case
def info_of_count(world):
    return world.info(request("Count", **ANY))


@case
def info_of_describe(world):
    return world.info(request("Describe", channels=world.live[:2], time=None))


@case
def info_of_live_stream(world):
    return world.info(request("Stream", channels=world.live, start=None, end=None))


@case
def info_of_range(world):
    # beyond 2^53, and not a multiple of 2^n
    start = (world.now - 8) * SECOND + 1
    return world.info(request("Stream", channels=world.partial, start=start, end=start + 2 * SECOND))


# Publishers


@case
def register_static(world):
    publisher = Publisher("H1QNT", world.url, token=False).register()
    return publisher.stride, channels_of(publisher.channels.values())


@case
def register_unknown_publisher(world):
    return Publisher("H1NOPE", world.url, token=False).register().stride


@case
def register_new_channel_of_static_publisher(world):
    channel = Channel("H1:QNT-NEW", data_type=numpy.dtype("float32"), sample_rate=16)
    return Publisher("H1QNT", world.url, token=False).register([channel]).stride


@case
def register_dynamic(world):
    channel = Channel("H1:DYN-NEW", data_type=numpy.dtype("float32"), sample_rate=16)
    return sorted(Publisher("H1DYN", world.url, token=False).register([channel]).channels)


@case
def info_of_publish(world):
    return world.info(request("Publish", publisher_id="H1QNT"))


@case
def info_of_partition(world):
    return world.info(request("Partition", publisher_id="H1QNT"))


@case
def batches_of_find(world):
    answer = world.get(request("Find", **ANY))
    return answer["schema"], sorted(sum(answer["batches"], []), key=lambda row: row["channel"])


@case
def batches_of_find_nothing(world):
    return world.get(request("Find", **{**ANY, "pattern": "X9"}))


@case
def batches_of_count(world):
    return world.get(request("Count", **ANY))


@case
def batches_of_describe(world):
    return world.get(request("Describe", channels=world.live[:3], time=None))


@case
def batches_of_range(world):
    start = (world.now - 8) * SECOND
    return world.get(request("Stream", channels=world.live, start=start, end=start + 2 * SECOND))


@case
def batches_of_partial_range(world):
    start = (world.now - 8) * SECOND
    return world.get(request("Stream", channels=world.whole, start=start, end=start + 2 * SECOND))


@case
def batches_of_empty_range(world):
    start = (world.now - 8) * SECOND
    return world.get(request("Stream", channels=world.live, start=start, end=start))


@case
def batches_of_reverse_range(world):
    start = (world.now - 8) * SECOND
    return world.get(request("Stream", channels=world.live, start=start, end=start - SECOND))


@case
def get_publish(world):
    return world.get(request("Publish", publisher_id="H1QNT"))


@case
def get_publish_of_unknown_replay(world):
    return world.get(request("Publish", publisher_id="H1QNT", replay_id="nothing"))


@case
def get_partition(world):
    return world.get(request("Partition", publisher_id="H1QNT"))


@case
def list_actions(world):
    with flight.connect(world.url) as client:
        return [tuple(action) for action in client.list_actions()]


@case
def unknown_action(world):
    return world.action("nothing")


@case
def raw_replays(world):
    return world.action("replays")


# Errors


@case
def no_json(world):
    return world.info(b"{")


@case
def no_json_in_ticket(world):
    return world.get(b"{")


@case
def unknown_request(world):
    return world.info(request("Delete"))


@case
def missing_argument(world):
    return world.info(request("Find", pattern=".*"))


@case
def argument_of_wrong_type(world):
    return world.get(request("Find", **{**ANY, "min_rate": "16"}))


@case
def type_that_filters_do_not_know(world):
    return world.get(request("Find", **{**ANY, "data_type": ["int16"]}))


@case
def unknown_argument(world):
    return world.info({**request("Find", **ANY, colour="red", age=3), "version": "9.9.0"})


@case
def unknown_argument_without_version(world):
    return world.get(request("Find", **ANY, colour="red"))


@case
def path_descriptor(world):
    with flight.connect(world.url) as client:
        return described(client.get_flight_info(flight.FlightDescriptor.for_path("a", "b")))


@case
def stream_of_unknown_channel(world):
    return list(world.client.stream(["H1:QNT-NOPE"]))


@case
def stream_of_unknown_domain(world):
    return list(world.client.stream(["H9:QNT-NOPE"]))


@case
def info_of_unknown_stream(world):
    return world.info(request("Stream", channels=[world.live[0], "H1:QNT-NOPE"], start=None, end=None))


@case
def get_unknown_stream(world):
    return world.get(request("Stream", channels=[world.live[0], "H1:QNT-NOPE"], start=None, end=None))


@case
def info_of_no_channels(world):
    return world.info(request("Stream", channels=[], start=None, end=None))


@case
def replay_and_window(world):
    channels = world.live[:1]
    return world.get(
        request("Stream", channels=channels, start=1, end=2, replay_id="x", replay_start=1, replay_end=2)
    )


@case
def half_a_replay_window(world):
    return world.get(request("Stream", channels=world.live[:1], start=1, end=2, replay_start=1))


@case
def reverse_replay_window(world):
    return world.get(request("Stream", channels=world.live[:1], start=1, end=2, replay_start=2, replay_end=1))


@case
def stream_of_unknown_replay(world):
    return list(world.client.stream(world.live[:1], replay_id="nothing"))


@case
def get_schema(world):
    with flight.connect(world.url) as client:
        return client.get_schema(flight.FlightDescriptor.for_command(bytes_of(request("Find", **ANY)))).schema


@case
def list_flights(world):
    with flight.connect(world.url) as client:
        return [described(info) for info in client.list_flights()]


@case
def do_put(world):
    with flight.connect(world.url) as client:
        schema = pyarrow.schema([("a", pyarrow.int32())])
        writer, reader = client.do_put(flight.FlightDescriptor.for_command(b"{}"), schema)
        writer.close()
        return str(reader.read())


@case
def handshake(world):
    with flight.connect(world.url) as client:
        return client.authenticate_basic_token("a", "b")


@case
def exchange_of_another_request(world):
    return exchange(world, request("Find", **ANY))


@case
def partition(world):
    return exchange(world, request("Partition", publisher_id="H1QNT"))


def exchange(world, command):
    with flight.connect(world.url) as client:
        descriptor = flight.FlightDescriptor.for_command(bytes_of(command))
        writer, reader = client.do_exchange(descriptor)
        with writer:
            fields = [("channel", pyarrow.string()), ("data_type", pyarrow.string()), ("sample_rate", pyarrow.int32())]
            writer.begin(pyarrow.schema(fields))
            writer.done_writing()
            return reader.read_all().to_pylist()


# Streams


@background
@case
def live_of_a_publisher_that_goes_away(world):
    """It is sent away once both have its rows, and the client waits until it is back."""
    rows = Past()
    for block in world.client.stream(world.leaving):
        rows.update(rows_of([block], world.leaving))
        if len(rows) == 4:
            SENT_AWAY.wait(30)
        times = [t for t in rows if is_masked(rows[t])]
        # back for 2 s
        if len(times) > 4 * 50 and not any(is_masked(rows[t]) for t in sorted(rows)[-8:]):
            break
    wrong = [(t, name) for t in rows for name in rows[t] if rows[t][name] != world.truth(name, t, rows[t][name])]
    back = min((t for t in rows if times and t > max(times)), default=None)
    edge = [name for t, name in wrong if t == back]
    steps = {b - a for a, b in zip(sorted(rows), sorted(rows)[1:])}
    return (
        f"continues; wrong: {len(edge)} in the first row after it, {len(wrong) - len(edge)} others; "
        f"steps of {steps} ns, all masked for {len(times) // 4} s"
    )


def lateness_s(time_ns):
    """How long after its end publisher.py sends a block of the partition that stalls."""
    end_s = (time_ns / SECOND + STALLING_STRIDE_S) % STALL_CYCLE_S
    return next((at + lasts - end_s for at, lasts in STALLS if at <= end_s < at + lasts), 0)


def is_of_long_stall(time_ns):
    """Whether a block ends in the stall beyond max_latency, or in the second in which the partition catches up."""
    (_, _), (at, lasts) = STALLS
    return at <= (time_ns / SECOND + STALLING_STRIDE_S) % STALL_CYCLE_S < at + lasts + 1


def stalled(world):
    return next(name for name in world.stalling if STALLED in name)


def is_masked(row):
    return all(b"\x00" not in bytes.fromhex(mask) for _, mask, _ in row.values())


@case
def live(world):
    return Rows(rows_of(world.client.stream(world.live, duration=3), world.live))


@case
def live_one_channel(world):
    return Rows(rows_of(world.client.stream(world.live[:1], duration=3), world.live[:1]))


@case
def live_with_partial_blocks(world):
    return Rows(rows_of(world.client.stream(world.partial, duration=LATE), world.partial))


@case
def live_of_mixed_strides(world):
    names = [*world.live[:4], *world.partial]
    return Rows(rows_of(world.client.stream(names, duration=LATE), names))


@case
def live_skips_gaps(world):
    return Rows(rows_of(world.client.stream(world.partial, duration=LATE, on_gap="skip"), world.partial))


@case
def live_in_longer_blocks(world):
    return Rows(rows_of(world.client.stream(world.live, duration=4, stride=1), world.live))


@case
def live_of_a_partition_that_stalls(world):
    """It is waited for within max_latency, and beyond it the row is sent without it."""
    rows = rows_of(world.client.stream(world.stalling, duration=STALL_CYCLE_S + 1), world.stalling)
    world.rows_of_stalls = rows
    kept = Rows((t, row) for t, row in rows.items() if not is_of_long_stall(t) or lateness_s(t) >= BEYOND_S)
    assert any(lateness_s(t) > 0 and not is_of_long_stall(t) for t in kept), "no block is late within max_latency"
    late = [t for t in kept if lateness_s(t) >= BEYOND_S]
    assert late, "no block is late beyond max_latency"
    assert all(is_masked({STALLED: rows[t][stalled(world)]}) for t in late), "a block is late, and there"
    return kept


@case
def live_until_a_partition_has_caught_up(world):
    """Of a stall beyond max_latency: the blocks that are late by less."""
    found = world.rows_of_stalls.items()
    rows = {t: row for t, row in found if is_of_long_stall(t) and 0 < lateness_s(t) <= WITHIN_S}
    assert rows, "no such block"
    masked = [t for t, row in rows.items() if is_masked({STALLED: row[stalled(world)]})]
    return f"masked: {len(masked)} of {len(rows)}"


@case
def past_of_a_partition_that_stalls(world):
    """Beyond max_latency, too, a block is part of history."""
    start = int(gpsnow()) - 2 * STALL_CYCLE_S
    return rows_of(world.client.stream(world.stalling, start=start, end=start + STALL_CYCLE_S + 2), world.stalling)


@case
def past(world):
    start = world.now - 8
    return rows_of(world.client.stream(world.live, start=start, end=start + 4), world.live)


@case
def past_off_the_grid(world):
    start = world.now - 8 + 0.03
    return rows_of(world.client.stream(world.live, start=start, end=start + 2.07), world.live)


@case
def past_of_mixed_strides(world):
    names = [*world.live[:4], *world.whole]
    start = world.now - 8
    return rows_of(world.client.stream(names, start=start, end=start + 4), names)


@case
def across_the_seam(world):
    start = int(gpsnow()) - 6
    return rows_of(world.client.stream(world.live, start=start, end=start + 9), world.live)


@case
def from_a_start_on(world):
    start = int(gpsnow()) - 6
    rows = {}
    for block in world.client.stream(world.live, start=start):
        rows.update(rows_of([block], world.live))
        if block.time_ns >= (start + 9) * SECOND:
            return rows


@case
def fetch_range(world):
    block = world.client.fetch(world.live, start=world.now - 8, end=world.now - 5)
    return rows_of([block], world.live)


@case
def fetch_from_start(world):
    block = world.client.fetch(world.live, start=world.now - 8)
    return rows_of([block], world.live)


@case
def fetch_live_duration(world):
    block = world.client.fetch(world.live, duration=2)
    return {"ns": block.duration_ns, "names": sorted(block.keys())}


@case
def fetch_newest(world):
    block = world.client.fetch(world.live)
    ages = int(gpsnow() * 1e9) - block.time_ns
    assert 0 < ages < 3 * SECOND, f"its newest block began {ages} ns ago"
    return {"ns": block.duration_ns, "names": sorted(block.keys())}


SENT_AWAY = threading.Barrier(2, lambda: os.kill(arguments().leaving_pid, signal.SIGUSR1))

run()
