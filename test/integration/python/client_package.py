# The package qanat_client compared with Arrakis's own client: find, count and describe, and the blocks of a range or of a
# live stream. Prints {"blocks", "masked", "samples"} when all is equal, and fails with the first difference otherwise.
import argparse
import json
import sys
import threading
import time
import warnings
from decimal import Decimal

warnings.simplefilter("ignore")
import arrakis
import numpy

sys.path.insert(0, "clients/python/src")
import qanat_client


def compare_series(name, ours, theirs):
    """Both have the same times, type, samples and masks; returns the numbers of masked and of all samples."""
    assert ours.time_ns == theirs.time_ns, f"{name}: begins at {ours.time_ns}, {theirs.time_ns} in Arrakis"
    assert len(ours) == len(theirs), f"{name} at {ours.time_ns}: {len(ours)} samples, {len(theirs)} in Arrakis"
    assert ours.dtype == theirs.dtype, f"{name}: {ours.dtype}, {theirs.dtype} in Arrakis"
    assert ours.duration_ns == theirs.duration_ns and ours.sample_rate == theirs.sample_rate
    assert (ours.times == theirs.times).all()
    mask = numpy.ma.getmaskarray(ours.data)
    other = numpy.ma.getmaskarray(theirs.data)
    assert (mask == other).all(), f"{name} at {ours.time_ns}: masked {mask}, {other} in Arrakis"
    same = ours.array[~mask].tobytes() == theirs.array[~mask].tobytes()
    assert same, f"{name} at {ours.time_ns}: {ours.data}, {theirs.data} in Arrakis"
    return int(mask.sum()), len(ours)


def compare_blocks(ours, theirs):
    assert set(ours.keys()) == set(theirs.keys())
    assert (ours.time_ns, ours.end_ns) == (theirs.time_ns, theirs.end_ns), (
        f"[{ours.time_ns}, {ours.end_ns}), [{theirs.time_ns}, {theirs.end_ns}) in Arrakis"
    )
    pairs = [compare_series(name, ours[name], theirs[name]) for name in ours.keys()]
    return sum(masked for masked, _ in pairs), sum(count for _, count in pairs)


def compare_channels(ours, theirs, names):
    mine = ours.describe(names)
    other = theirs.describe(names)
    for name in names:
        for field in ("name", "data_type", "sample_rate", "publisher", "stride", "max_latency"):
            assert getattr(mine[name], field) == getattr(other[name], field), f"{name}: {field}"
    pattern = names[0][:7]
    found = sorted(channel.name for channel in ours.find(pattern, data_type="float32", min_rate=1))
    assert found == sorted(channel.name for channel in theirs.find(pattern, data_type="float32", min_rate=1))
    assert ours.count(pattern) == theirs.count(pattern) > 0


def compare_cut(ours, theirs, start_ns, end_ns):
    """Arrakis gives whole blocks; this package gives the samples of the range."""
    counts = []
    for name in ours.keys():
        series = theirs[name]
        step_ns = 1_000_000_000 / series.sample_rate
        first = int(numpy.ceil((start_ns - series.time_ns) / step_ns))
        last = int(numpy.ceil((end_ns - series.time_ns) / step_ns))
        mine = ours[name]
        assert mine.time_ns == start_ns and ours.end_ns == end_ns
        assert len(mine) == last - first > 0, f"{name}: {len(mine)} samples, not {last - first}"
        assert numpy.asarray(mine.data).tobytes() == numpy.asarray(series.data)[first:last].tobytes(), name
        counts.append((0, len(mine)))
    return sum(masked for masked, _ in counts), sum(count for _, count in counts)


def live(ours, theirs, names, duration):
    received = {}

    def read(key, client):
        received[key] = {block.time_ns: block for block in client.stream(names, duration=duration)}

    threads = [threading.Thread(target=read, args=pair) for pair in ((0, ours), (1, theirs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = sorted(received[0].keys() & received[1].keys())
    assert times, "no block in common"
    # Both began and ended at about the same time; what is between must be in both.
    for blocks in received.values():
        between = [time for time in blocks if times[0] <= time <= times[-1]]
        assert sorted(between) == times, "a block is missing in one of them"
    return [(received[0][time], received[1][time]) for time in times]


def afterwards(ours, theirs, names, duration):
    """What Arrakis's client gives live, and the same time from Qanat: first across the seam of history and live, then
    from history alone. (In its own history, arrakis-server 0.17.2 fails at a block that lacks a channel.)"""
    live = []

    def read():
        for block in theirs.stream(names, duration=duration):
            live.append(block)

    thread = threading.Thread(target=read)
    thread.start()
    while not live:
        time.sleep(0.05)
    time.sleep(duration / 2)
    # In its first second, Arrakis's client drops blocks of the stream that begins last.
    start_ns = live[0].time_ns + 10**9
    end_ns = start_ns + int((duration - 1) * 10**9)
    range_ = {"start": text_of(start_ns), "end": text_of(end_ns)}
    across = list(ours.stream(names, **range_))
    thread.join()
    history = list(ours.stream(names, **range_))
    expected = [block for block in live if block.time_ns >= start_ns]
    return [pair for blocks in (across, history) for pair in zip(blocks, expected, strict=True)]


def text_of(ns):
    return f"{ns // 10**9}.{ns % 10**9:09d}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrakis", required=True)
    parser.add_argument("--qanat", required=True)
    parser.add_argument("--channels", required=True)
    parser.add_argument("--start", type=float)
    parser.add_argument("--end", type=float)
    parser.add_argument("--duration", type=float)
    parser.add_argument("--cut", action="store_true", help="the range does not begin and end where blocks do")
    parser.add_argument("--afterwards", action="store_true", help="Arrakis live, Qanat the same time later")
    options = parser.parse_args()
    names = options.channels.split(",")
    ours = qanat_client.Client(options.qanat)
    theirs = arrakis.Client(options.arrakis, token=False)
    compare_channels(ours, theirs, names)
    if options.afterwards:
        pairs = afterwards(ours, theirs, names, options.duration)
    elif options.start is None:
        pairs = live(ours, theirs, names, options.duration)
    else:
        range_ = {"start": options.start, "end": options.end}
        pairs = [(ours.fetch(names, **range_), theirs.fetch(names, **range_))]
        if not options.cut:
            pairs += zip(ours.stream(names, **range_), theirs.stream(names, **range_), strict=True)
    if options.cut:
        bounds = [int(Decimal(repr(time)) * 10**9) for time in (options.start, options.end)]
        counts = [compare_cut(*pairs[0], *bounds)]
    else:
        counts = [compare_blocks(*pair) for pair in pairs]
    print(json.dumps({
        "blocks": len(pairs),
        "masked": sum(masked for masked, _ in counts),
        "samples": sum(count for _, count in counts),
    }))


main()
