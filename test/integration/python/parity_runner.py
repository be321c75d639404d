# Makes the same calls to two servers, one case after another, and compares the answers: prints a JSON line
# {"case", "equal", "detail"} for each, with both answers where they differ.
# Invariant: samples are compared bit for bit, errors by their class and text; where arrakis-server has given up samples,
# the other server's are compared with what the publisher wrote down.
import argparse
import itertools
import json
import queue
import re
import subprocess
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")
import numpy
from arrakis import Client
from gpstime import gpsnow
from pyarrow import flight
from published import Published

CASES = {}
# They begin before the others, and may end after them.
BACKGROUND = set()
# Those that follow one another run at the same time.
TOGETHER = set()
SECOND = 1_000_000_000
# One server may begin with the newest row, another with one that waits for the latency of a block: 4 s.
LATE = 10
TRIES = 3
# Longest part of an answer that is printed.
SHOWN = 50_000
# Longest time of a case.
ANSWER_S = 150
ANY = {"pattern": ".*", "data_type": [], "min_rate": 0, "max_rate": 2**32 - 1, "publisher": [], "time": None}


def case(function):
    CASES[function.__name__] = function
    return function


def background(function):
    BACKGROUND.add(function.__name__)
    return function


def together(function):
    TOGETHER.add(function.__name__)
    return function


class World:
    """One of the two servers, and what is published to it."""

    def __init__(self, url, args, published):
        self.url = url
        self.published = published
        self.args = args
        self.live = args.channels.split(",")
        self.partial = args.partial_channels.split(",")
        # never left out by publisher.py
        self.whole = [name for name in self.partial if not re.search(r"_00(00|05|10|15)$", name)]
        self.now = args.now
        names = sorted(name for record in published for name in record.channels)
        self.stalling = [name for name in names if name.startswith("H1:LAT-")]
        self.leaving = [name for name in names if name.startswith("H1:AWY-")]
        self.replayed = [name for name in names if name.startswith("H1:RPL-")]

    @property
    def client(self):
        return Client(self.url, token=False)

    def truth(self, name, time_ns, like):
        """What was published of a channel from a time on, as samples_of() has it, and as many; None between samples."""
        record = next(record for record in self.published if name in record.channels)
        _, mask, _ = like
        series = record.series(name, time_ns, len(bytes.fromhex(mask)))
        return None if series is None else samples_of(series)

    def info(self, command):
        with flight.connect(self.url) as client:
            return described(client.get_flight_info(flight.FlightDescriptor.for_command(bytes_of(command))))

    def get(self, command):
        with flight.connect(self.url) as client:
            reader = client.do_get(flight.Ticket(bytes_of(command)))
            schema = schema_of(reader.schema)
            return {"schema": schema, "batches": [shown(chunk.data.to_pylist()) for chunk in reader]}

    def action(self, name):
        with flight.connect(self.url) as client:
            return [json.loads(result.body.to_pybytes()) for result in client.do_action(flight.Action(name, b""))]


def shown(value):
    """The value with each float as text: NaN is no number that equals itself."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return [shown(item) for item in value]
    return {key: shown(item) for key, item in value.items()} if isinstance(value, dict) else value


def bytes_of(command):
    return command if isinstance(command, bytes) else json.dumps(command).encode()


def request(name, **args):
    return {"request": name, "args": args}


def schema_of(schema):
    fields = [(f.name, str(f.type), f.nullable, sorted((f.metadata or {}).items())) for f in schema]
    return fields, sorted((schema.metadata or {}).items())


def described(info):
    return {
        "schema": schema_of(info.schema),
        "descriptor": (str(info.descriptor.descriptor_type), info.descriptor.command, info.descriptor.path),
        "endpoints": [
            (in_order(json.loads(e.ticket.ticket)), [loc.uri.decode() for loc in e.locations]) for e in info.endpoints
        ],
        "totals": (info.total_records, info.total_bytes, info.ordered, info.app_metadata.hex()),
    }


def in_order(value):
    """The value with each list sorted: arrakis-server's order changes from start to start."""
    if isinstance(value, list):
        return sorted((in_order(item) for item in value), key=str)
    return {key: in_order(item) for key, item in value.items()} if isinstance(value, dict) else value


def channels_of(channels):
    return {channel.name: channel.as_dict() for channel in channels}


def rows_of(blocks, names):
    rows = Past()
    for block in blocks:
        assert block.time_ns not in rows, f"{block.time_ns} came twice"
        assert not rows or block.time_ns > max(rows), f"{block.time_ns} came after {max(rows)}"
        rows[block.time_ns] = {name: samples_of(block[name].data) for name in names}
        assert set(block.keys()) == set(names)
    return rows


def samples_of(data):
    series = numpy.ma.asarray(data)
    mask = numpy.ma.getmaskarray(series)
    # values under a mask have no meaning
    return series.dtype.str, mask.tobytes().hex(), numpy.ma.getdata(series)[~mask].tobytes().hex()


class Past(dict):
    """Rows of a stream: a dict of time to a dict of name to samples_of()."""


class Rows(Past):
    """Rows of a live stream: compared where both have begun and neither has ended."""


# Running and comparing


def answer_of(function, world):
    try:
        return function(world)
    except (AssertionError, queue.Empty, subprocess.TimeoutExpired, threading.BrokenBarrierError) as error:
        # no answer of a server: no two of these are equal
        return Failed(f"{type(error).__name__}: {error}")
    except Exception as error:
        return type(error).__name__, text_of(error)


class Failed:
    """What a case has instead of an answer."""

    def __init__(self, text):
        self._text = text

    def __repr__(self):
        return self._text


def text_of(error):
    text = re.split(r"\. Detail:|\. gRPC client debug context:", str(error))[0]
    text = re.sub(r" \[request: [^\]]*\]", "", text)
    return re.sub(r"^Flight returned [^:]*: |^Flight error: ", "", text).strip(" .")


# What arrakis-server says of whatever it did not expect: it gives no reason, so any other text is as good.
UNEXPECTED = "internal server error, please contact server admin"


def only_arrakis_masks(left, right):
    """Whether two series are equal, except for samples that arrakis-server alone has given up as late."""
    if not (isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right) == 3):
        return False
    (left_type, left_mask, left_data), (right_type, right_mask, right_data) = left, right
    masks = [bytes.fromhex(mask) for mask in (left_mask, right_mask)]
    if left_type != right_type or len(masks[0]) != len(masks[1]):
        return False
    size = 2 * numpy.dtype(left_type).itemsize
    values = [iter(re.findall("." * size, data)) for data in (left_data, right_data)]
    for is_left_masked, is_right_masked in zip(*masks):
        value = None if is_left_masked else next(values[0])
        other = None if is_right_masked else next(values[1])
        if value != other and value is not None:
            return False
    return True


class Comparison:
    """Of two answers: of arrakis-server, and of the other server."""

    def __init__(self, other):
        self._truth = other.truth
        # series that arrakis-server alone has given up, as (place of its row, name)
        self.excused = []

    def difference(self, left, right):
        """Where the second answer differs from the first; None where it does not."""
        if left == ("FlightInternalError", UNEXPECTED) and isinstance(right, tuple):
            return None if right[0] == left[0] else f"{right[0]} in the other, {left[0]} in Arrakis"
        if isinstance(left, Rows) and isinstance(right, Rows):
            times = sorted(set(left) & set(right))
            if not times:
                return f"no time in common: {sorted(left)[:2]} {sorted(right)[:2]}"
            inside = sorted(t for t in {*left, *right} if times[0] <= t <= times[-1])
            if inside != times:
                return f"a time inside is missing in one: {sorted(set(inside) - set(times))[:4]}"
            return self.difference(Past((t, left[t]) for t in times), Past((t, right[t]) for t in times))
        if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            left, right = dict(enumerate(left)), dict(enumerate(right))
        if isinstance(left, dict) and isinstance(right, dict):
            only = sorted(set(left) ^ set(right), key=str)
            if only:
                return f"only in one: {only[:4]} of {len(left)} and {len(right)}"
            if isinstance(left, Past) and isinstance(right, Past):
                left = self._without_late(left, right)
            found = ((key, self.difference(left[key], right[key])) for key in left)
            return next((f"{key}: {text}" for key, text in found if text is not None), None)
        return None if left == right else f"{str(left)[:300]} in Arrakis, {str(right)[:300]} in the other"

    def _without_late(self, left, right):
        """
        The first rows; a series that arrakis-server alone has masked is the other's, if that was published so, bit for
        bit, but not all of them. Seen: whole partitions, up to most of them, in the rows of a range that is a minute
        old, though a reader of its own was started for it. Of ranges that were just over, none.
        """
        taken = {t: dict(row) for t, row in left.items()}
        for place, (t, row) in enumerate(left.items()):
            for name, mine in row.items():
                other = right[t].get(name)
                if mine != other and only_arrakis_masks(mine, other) and other == self._truth(name, t, other):
                    taken[t][name] = other
                    self.excused.append((place, name))
        return taken if len(self.excused) < sum(len(row) for row in left.values()) else left


def ask_both(function, worlds):
    answers = [None, None]

    def ask(index):
        try:
            answers[index] = answer_of(function, worlds[index])
        except BaseException as error:
            answers[index] = Failed(str(error))

    threads = [threading.Thread(target=ask, args=(index,), daemon=True) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ANSWER_S)
    return answers


def compared(name, worlds):
    answers = ask_both(CASES[name], worlds)
    if any(answer is None for answer in answers):
        which = " and ".join(w for w, a in zip(["Arrakis", "the other"], answers) if a is None)
        return answers, f"no answer of {which}", []
    comparison = Comparison(worlds[1])
    return answers, comparison.difference(*answers), comparison.excused


def is_steady(name, world, answer):
    return Comparison(world).difference(answer, answer_of(CASES[name], world)) is None


def report(name, worlds):
    started = time.monotonic()
    answers, detail, excused = compared(name, worlds)
    for _ in range(TRIES - 1):
        # arrakis-server sometimes masks samples that are there: then its next answer is another one
        if detail is None or name in BACKGROUND | TOGETHER or isinstance(answers[0], Rows):
            break
        if is_steady(name, worlds[0], answers[0]):
            break
        answers, detail, excused = compared(name, worlds)
    line = {
        "case": name,
        "equal": detail is None,
        "detail": detail,
        "sizes": [len(answer) if isinstance(answer, dict) else 1 for answer in answers],
        "seconds": round(time.monotonic() - started, 2),
        "excused": excused,
    }
    if detail is not None:
        line["arrakis"], line["other"] = [str(answer)[:SHOWN] for answer in answers]
    # one write: two cases may end at the same time
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrakis", required=True)
    parser.add_argument("--other", required=True)
    parser.add_argument("--channels", required=True)
    parser.add_argument("--partial-channels", required=True)
    parser.add_argument("--published", required=True, help="folders of publisher.py, comma-separated")
    parser.add_argument("--leaving-pid", type=int, help="of the publisher.py that SIGUSR1 sends away")
    parser.add_argument("--pids", help="file with the process ids of both servers, which are restarted")
    parser.add_argument("--now", type=int, default=int(gpsnow()), help="GPS seconds; 10 s before it are published")
    parser.add_argument("--cases", help="of these names; without it all")
    return parser.parse_args()


def run():
    """Runs all cases that have been declared."""
    args = arguments()
    published = [Published(directory) for directory in args.published.split(",")]
    worlds = [World(url, args, published) for url in (args.arrakis, args.other)]
    names = args.cases.split(",") if args.cases else list(CASES)
    behind = begin([name for name in names if name in BACKGROUND], worlds)
    others = (name for name in names if name not in BACKGROUND)
    for is_together, group in itertools.groupby(others, TOGETHER.__contains__):
        if is_together:
            end(begin(group, worlds))
        else:
            for name in group:
                report(name, worlds)
    end(behind)


def begin(names, worlds):
    threads = [threading.Thread(target=report, args=(name, worlds)) for name in names]
    for thread in threads:
        thread.start()
    return threads


def end(threads):
    for thread in threads:
        thread.join()
