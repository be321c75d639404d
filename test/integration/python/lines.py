"""Reads one range from /v1/data with the readers that people use, and from /v1/arrow: the samples are the same, bit for
bit. Prints a line for each reader; fails at the first difference.

usage: lines.py URL START SECONDS DIRECTORY"""

import io
import json
import sys
import urllib.request

import duckdb
import numpy
import pandas
import polars
import pyarrow
from gwpy.timeseries import TimeSeries

URL, START, SECONDS, DIRECTORY = sys.argv[1:]
GROUPS = {
    16: ["H1:QANAT-COUNT_I64_16", "H1:QANAT-COUNT_U64_16", "H1:QANAT-SINE_F32_16", "H1:QANAT-STATE_U8_16"],
    4096: ["H1:GWOSC-4KHZ_R1_STRAIN", "H1:GWOSC-4KHZ_R1_WHITENED", "L1:GWOSC-4KHZ_R1_STRAIN"],
}
COUNT_U64 = "H1:QANAT-COUNT_U64_16"


def address(route, names, more=""):
    return f"{URL}/v1/{route}?channels={','.join(names)}&start={START}&duration={SECONDS}{more}"


def get(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def by_arrow(names, rate):
    """Samples by name, and the times of all, GPS ns."""
    table = pyarrow.ipc.open_stream(io.BytesIO(get(address("arrow", names)))).read_all()
    samples = {name: numpy.concatenate([row.values.to_numpy() for row in table[name]]) for name in names}
    count = len(samples[names[0]]) // table.num_rows
    offsets = numpy.arange(count) * 10**9 // rate
    times = (table["time"].to_numpy()[:, None] + offsets).ravel()
    return samples, times


def check(reader, got, expected):
    """The values in the channel's type: -0 is not 0."""
    values = numpy.asarray(got).astype(expected.dtype)
    assert values.tobytes() == expected.tobytes(), f"{reader}: {values} is not {expected}"


def check_table(reader, column, names, samples, times):
    """`column`: the values of a column of this name."""
    check(reader, column("gps_ns"), times)
    for name in names:
        check(f"{reader} {name}", column(name), samples[name])
    print(reader)


def read_csv(names, samples, times):
    url = address("data", names)
    table = pandas.read_csv(url, parse_dates=["time"], float_precision="round_trip")
    assert (table.status == "ok").all()
    for name in names:
        assert table[name].dtype.kind == samples[name].dtype.kind or table[name].dtype.kind in "iu", name
    check_table("pandas", lambda name: table[name].to_numpy(), names, samples, times)
    # The library's own leap seconds: GPS is 18 s ahead of UTC since 2017, and 17 s before.
    ahead = table.time.dt.tz_localize(None) - (pandas.Timestamp("1980-01-06") + pandas.to_timedelta(table.gps_ns, "ns"))
    assert set(ahead.dt.total_seconds()) <= {-18.0, -17.0, -16.0}, ahead
    plain = pandas.read_csv(url)
    check("pandas without options", plain["gps_ns"], times)
    path = f"{DIRECTORY}/range.csv"
    with open(path, "wb") as file:
        file.write(get(url))
    wide = {COUNT_U64: polars.UInt64} if COUNT_U64 in names else {}
    frame = polars.read_csv(path, schema_overrides=wide)
    check_table("polars", lambda name: frame[name].to_numpy(), names, samples, times)
    relation = duckdb.sql(f"select * from read_csv('{path}')").to_arrow_table()
    check_table("DuckDB", lambda name: relation[name].to_pylist(), names, samples, times)


def read_ndjson(names, samples, times):
    path = f"{DIRECTORY}/range.ndjson"
    with open(path, "wb") as file:
        file.write(get(address("data", names, "&format=ndjson")))
    with open(path) as file:
        *lines, end = [json.loads(line) for line in file]
    assert end == {"end": {"reason": "complete"}}

    def column(name):
        values = [line["gps_ns"] if name == "gps_ns" else line["channels"][name] for line in lines]
        whole = name == "gps_ns" or samples[name].dtype.kind in "iu"
        return [int(value) if whole else float(value) for value in values]

    check_table("json", column, names, samples, times)
    frame = pandas.read_json(path, lines=True, dtype={"gps_ns": "str"})
    rows = frame[frame.channels.notna()]
    assert list(rows.gps_ns) == [str(time) for time in times]
    print("pandas.read_json")
    found = duckdb.sql(f"select gps_ns from read_json('{path}') where channels is not null").fetchall()
    assert [int(gps_ns) for (gps_ns,) in found] == list(times)
    print("DuckDB's read_json")


def read_gwpy(name, expected, times, rate):
    series = TimeSeries.read(address("data", [name], "&format=gwpy"), format="csv")
    check("gwpy", series.value, expected)
    assert series.sample_rate.value == rate, series.sample_rate
    assert series.t0.value == times[0] / 1e9, series.t0
    print("gwpy", name)


for rate, names in GROUPS.items():
    samples, times = by_arrow(names, rate)
    assert len(times) >= rate * float(SECONDS)
    read_csv(names, samples, times)
    read_ndjson(names, samples, times)
    for name in names:
        # gwpy's samples are float64.
        if samples[name].dtype.kind == "f":
            read_gwpy(name, samples[name], times, rate)
