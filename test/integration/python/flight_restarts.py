# Replays, and servers that are restarted in the middle of streams: the same calls to arrakis-server and to Qanat.
# Invariant: a server is ended once all streams of both have begun; the test that has started it starts it again.
import json
import os
import signal
import threading
import time
import warnings

warnings.simplefilter("ignore")
from arrakis import Publisher
from gpstime import gpsnow
from parity_runner import SECOND, Rows, arguments, bytes_of, case, channels_of, request, rows_of, run, together
from pyarrow import flight

REPLAY = "O4E2E"
RESTART_S = 60


# Replays


@case
def replays_of_registry(world):
    return world.client.replays()


@case
def find_in_replay(world):
    return channels_of(world.client.find(replay_id=REPLAY))


@case
def find_by_pattern_in_replay(world):
    return channels_of(world.client.find("H1:RPL-INT", replay_id=REPLAY))


@case
def find_without_replay(world):
    return channels_of(world.client.find("H1:(RPL|QNT)"))


@case
def count_in_replay(world):
    return world.client.count(replay_id=REPLAY)


@case
def describe_in_replay(world):
    return channels_of(world.client.describe(world.replayed[:3], replay_id=REPLAY).values())


@case
def describe_live_channel_in_replay(world):
    return channels_of(world.client.describe(world.live[:1], replay_id=REPLAY).values())


@case
def describe_replayed_channel_in_live(world):
    return channels_of(world.client.describe(world.replayed[:1]).values())


@case
def find_in_unlisted_replay(world):
    return channels_of(world.client.find(replay_id="nothing"))


@case
def count_in_unlisted_replay(world):
    return world.client.count(replay_id="nothing")


@case
def describe_in_unlisted_replay(world):
    return channels_of(world.client.describe(world.replayed[:1], replay_id="nothing").values())


@case
def stream_of_unlisted_replay(world):
    return list(world.client.stream(world.replayed[:1], replay_id="nothing"))


@case
def stream_of_both_contexts(world):
    return list(world.client.stream([world.live[0], world.replayed[0]], replay_id=REPLAY))


@case
def info_of_find_in_replay(world):
    args = {"pattern": ".*", "data_type": [], "min_rate": 0, "max_rate": 4096, "publisher": [], "time": None}
    return world.info(request("Find", **args, replay_id=REPLAY))


@case
def info_of_stream_in_replay(world):
    return world.info(request("Stream", channels=world.replayed, start=None, end=None, replay_id=REPLAY))


@case
def live_in_replay(world):
    stream = world.client.stream(world.replayed, duration=4, replay_id=REPLAY)
    return Rows(rows_of(stream, world.replayed))


@case
def past_in_replay(world):
    start = world.now + 1
    return rows_of(world.client.stream(world.replayed, start=start, end=start + 2, replay_id=REPLAY), world.replayed)


@case
def across_the_seam_in_replay(world):
    start = int(gpsnow()) - 4
    return rows_of(world.client.stream(world.replayed, start=start, end=start + 7, replay_id=REPLAY), world.replayed)


@case
def fetch_in_replay(world):
    start = world.now + 1
    block = world.client.fetch(world.replayed, start=start, end=start + 2, replay_id=REPLAY)
    return rows_of([block], world.replayed)


@case
def live_as_window_of_history(world):
    window = {"replay_start": world.now - 30, "replay_end": world.now - 5}
    return [block.time_ns for block in world.client.stream(world.live[:1], duration=1, **window)]


@case
def register_in_replay(world):
    return channels_of(Publisher("H1RPL", world.url, REPLAY, token=False).register().channels.values())


@case
def register_live_publisher_in_replay(world):
    return Publisher("H1QNT", world.url, REPLAY, token=False).register().stride


@case
def register_publisher_of_replay_in_live(world):
    return Publisher("H1RPL", world.url, token=False).register().stride


@case
def publish_in_replay(world):
    return world.get(request("Publish", publisher_id="H1RPL", replay_id=REPLAY))


@case
def publish_live_publisher_in_replay(world):
    return world.get(request("Publish", publisher_id="H1QNT", replay_id=REPLAY))


@case
def publish_publisher_of_replay_in_live(world):
    return world.get(request("Publish", publisher_id="H1RPL"))


@case
def publish_unknown_publisher_in_replay(world):
    return world.get(request("Publish", publisher_id="H1NOPE", replay_id=REPLAY))


@case
def publish_in_unlisted_replay(world):
    return world.get(request("Publish", publisher_id="H1RPL", replay_id="nothing"))


# Restarts


class Ending:
    """Ends both servers once so many streams of each have begun; a frozen one has read nothing of a call before."""

    def __init__(self, streams, number, freezes):
        self._number = number
        self._freezes = freezes
        self._begun = threading.Barrier(2 * streams, self._end)

    def wait(self):
        self._begun.wait(RESTART_S)

    def _end(self):
        pids = pids_of_servers()
        if self._freezes:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
        threading.Timer(1, lambda: [os.kill(pid, self._number) for pid in pids]).start()


def pids_of_servers():
    with open(arguments().pids) as file:
        return json.load(file)


def how_it_ends(stream, ending):
    """The class of the error, or "ends"."""
    began = False
    try:
        for _ in stream:
            if not began:
                began = True
                ending.wait()
    except flight.FlightError as error:
        return type(error).__name__
    return "ends"


def past_in_flight(world, ending):
    """A range is asked for on a connection that works, of a server that is frozen, and then ended."""
    start = (world.now - 8) * SECOND
    command = request("Stream", channels=world.live, start=start, end=start + 4 * SECOND)
    with flight.connect(world.url) as client:
        client.get_flight_info(flight.FlightDescriptor.for_command(bytes_of(command)))
        ending.wait()
        try:
            return client.do_get(flight.Ticket(bytes_of(command))).read_all().num_rows
        except flight.FlightError as error:
            return type(error).__name__


def calls_again(world):
    """What new calls answer, once the server knows all channels again."""
    known = len([*world.live, *world.partial, *world.stalling, *world.leaving])
    deadline = time.monotonic() + RESTART_S
    while True:
        try:
            if world.client.count("H1:(QNT|OTH|LAT|AWY)-") == known:
                break
        except flight.FlightUnavailableError:
            pass
        assert time.monotonic() < deadline, "it does not come back"
        time.sleep(0.25)
    return Rows(rows_of(world.client.stream(world.live, duration=6), world.live))


KILL = Ending(3, signal.SIGKILL, freezes=True)
STOP = Ending(2, signal.SIGTERM, freezes=False)


@together
@case
def live_of_a_server_that_is_killed(world):
    return how_it_ends(world.client.stream(world.live), KILL)


@together
@case
def seam_of_a_server_that_is_killed(world):
    return how_it_ends(world.client.stream(world.live, start=int(gpsnow()) - 5), KILL)


@together
@case
def past_of_a_server_that_is_killed(world):
    return past_in_flight(world, KILL)


@case
def live_of_a_server_that_was_killed(world):
    return calls_again(world)


@together
@case
def live_of_a_server_that_is_stopped(world):
    return how_it_ends(world.client.stream(world.live), STOP)


@together
@case
def seam_of_a_server_that_is_stopped(world):
    return how_it_ends(world.client.stream(world.live, start=int(gpsnow()) - 5), STOP)


@case
def live_of_a_server_that_was_stopped(world):
    return calls_again(world)


@case
def past_of_before_the_restarts(world):
    return rows_of(world.client.stream(world.live, start=world.now - 8, end=world.now - 4), world.live)


run()
