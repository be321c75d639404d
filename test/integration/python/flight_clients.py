# Other clients of Arrakis, unchanged: its command line and gwpy.
# Invariant: each case is one client against arrakis-server and against Qanat; both have to give the same.
import json
import os
import re
import subprocess
import sys
import warnings

warnings.simplefilter("ignore")
from arrakis import Client
from gwpy.timeseries import TimeSeries, TimeSeriesDict
from parity_runner import case, run, shown

CLI_S = 60


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


run()
