# dttlib, which reads data for ndscope, unchanged.
# Invariant: each case is one client against arrakis-server and against Qanat; both have to give the same.
import queue
import threading
import time
import warnings

warnings.simplefilter("ignore")
import dttlib
from parity_runner import case, run

VIEW_S = 20


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
