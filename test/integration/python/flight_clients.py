# Other clients of Arrakis, unchanged: its command line, gwpy, and dttlib, which reads data for ndscope.
# Invariant: each case is one client against arrakis-server and against Qanat; both have to give the same.
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")
import dttlib
from arrakis import Client
from gwpy.timeseries import TimeSeries, TimeSeriesDict
from parity_runner import case, run, shown

CLI_S = 60
VIEW_S = 20


def arrakis(world, *args):
    """Exit code, lines of its output, and the error, of Arrakis's program."""
    program = os.path.join(os.path.dirname(sys.executable), "arrakis")
    done = subprocess.run(
        [program, "--quiet", "--url", world.url, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=CLI_S,
    )
    error = re.sub(r" \[request: [^\]]*\]", "", "".join(re.findall(r"^.*error: .*$", done.stderr, re.M)))
    return done.returncode, done.stdout.splitlines(), error.partition(". Detail")[0].strip(" .")


@case
def cli_find(world):
    code, lines, error = arrakis(world, "find", "H1:QNT", "--data-type", "float64", "--json")
    return code, sorted(lines), error


@case
def cli_find_as_table(world):
    code, lines, error = arrakis(world, "find", "H1:QNT.*INT8", "--table-full")
    return code, sorted(lines), error


@case
def cli_count(world):
    return arrakis(world, "count", "H1:", "--publisher", "H1OTH", "--max-rate", "256")


@case
def cli_describe(world):
    code, lines, error = arrakis(world, "describe", *world.live[:2], "--json-pp")
    return code, sorted(lines), error


@case
def cli_describe_unknown(world):
    return arrakis(world, "describe", "H1:QNT-NOPE")


@case
def cli_stream(world):
    code, lines, error = arrakis(
        world, "stream", *world.live[:3], "--start", str(world.now - 8), "--duration", "1", "--json"
    )
    # as text: NaN is no number that equals itself
    return code, [shown(json.loads(line)) for line in lines], error


@case
def cli_stream_live(world):
    code, lines, error = arrakis(world, "stream", *world.live[:3], "--duration", "1", "--json")
    return code, len(lines), [sorted(json.loads(line)) for line in lines], error


@case
def cli_fetch(world):
    return arrakis(world, "fetch", *world.live[:3], "--start", str(world.now - 8), "--end", str(world.now - 6))


def series_of(series):
    return str(series.t0), str(series.dt), str(series.dtype), series.value.tobytes().hex()


@case
def gwpy_time_series(world):
    client = Client(world.url, token=False)
    start = world.now - 8
    return series_of(TimeSeries.get(world.live[0], start, start + 2, source="arrakis", client=client))


@case
def gwpy_time_series_between_seconds(world):
    client = Client(world.url, token=False)
    start = world.now - 8 + 0.25
    names = world.live[:4]
    found = TimeSeriesDict.get(names, start, start + 1.5, source="arrakis", client=client)
    return {name: series_of(found[name]) for name in names}


@case
def gwpy_unknown_channel(world):
    client = Client(world.url, token=False)
    return TimeSeries.get("H1:QNT-NOPE", world.now - 8, world.now - 7, source="arrakis", client=client)


def samples_in(world, names, seconds):
    rates = {name: channel["sampleRate"] for record in world.published for name, (_, channel) in record.channels.items()}
    return sum(seconds * rates[name] for name in names)


# two sessions at a time were seen to wait for each other without end, each for a lock of Python or of dttlib
DTT_TURN = threading.Lock()


class Dtt:
    """A session of dttlib with one server, as ndscope opens it. One at a time."""

    def __init__(self, url):
        self.messages = queue.SimpleQueue()
        self.session = dttlib.DTT(self.messages.put)
        self.session.set_data_source(dttlib.NDS2Cache(1 << 28, "", url, dttlib.Replay.NoReplay()).as_ref())

    def next(self, kind):
        while True:
            message = self.messages.get(timeout=30)
            if isinstance(message, kind):
                return message


@case
def dttlib_channels(world):
    with DTT_TURN:
        dtt = Dtt(world.url)
        dtt.session.find_channels(dttlib.ChannelQuery("H1:QNT*", [dttlib.ChannelType.Raw, dttlib.ChannelType.Online]))
        found = dtt.next(dttlib.ResponseToUser.ChannelQueryResult).channels
    return sorted((c.name, str(c.data_type), c.rate_hz, str(c.channel_type), c.online) for c in found)


@case
def dttlib_past(world):
    with DTT_TURN:
        return samples_of_dttlib(world)


def samples_of_dttlib(world):
    names = [name for name in world.live if "FLOAT32" in name or "INT32" in name]
    start, end = (dttlib.PipInstant.from_gpst_sec(world.now - back) for back in (8, 6))
    channels = dttlib.ViewSet.from_channel_names(names, dttlib.TrendType.Raw)
    dtt = Dtt(world.url)
    view = dtt.session.new_singleshot_scope_view(channels, start, end)
    found = {name: {} for name in names}
    deadline = time.monotonic() + VIEW_S
    try:
        # it repeats what it has until it has all
        while sum(len(data) for parts in found.values() for data in parts.values()) < samples_in(world, names, 2):
            assert time.monotonic() < deadline, "dttlib has not got all samples"
            part = dtt.next(dttlib.ResponseToUser.ScopeViewResult).result
            parts = found[part.id.first_channel().name]
            parts[part.start_gps_pip.to_gpst_nanoseconds()] = [repr(value) for value in part.data]
        return found
    finally:
        view.close()


run()
