# Reads many live streams of one arrakis-server at once, as cheaply as pyarrow can: raw `do_get`, a thread and a
# connection per client, several processes, no conversion but the row's time.
# Invariant: loopback only, bounded in clients and seconds, ends by itself.
#
# flight_readers.py PLAN: {"url", "seconds", "settleSeconds", "strideNs", "processes", "clients": [[channel, …], …]}
# Says {"event": "measuring", "attached"} when the window begins, and at its end one line:
# {"event": "done", "readerCpuSeconds", "clients": [{"rows", "lost", "behindMs", "error"}], "latenciesMs": [p50, p99, p99.9, max]}
# `rows` were read within the window; `lost` are holes in their times; `behindMs` is how much the median latency
# of the window's last third exceeds that of its first.
import json
import multiprocessing
import os
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")
import numpy

CLIENTS_MAX = 200
SECONDS_MAX = 120
ATTACH_SECONDS_MAX = 30


class Client:
    def __init__(self, channels):
        self.channels = channels
        self.rows = []  # (time of the row, Unix ns when it was read)
        self.attached = threading.Event()
        self.error = None
        self.reader = None

    def run(self, url, stop):
        try:
            self.read(url, stop)
        except Exception as error:
            if not stop.is_set():
                self.error = str(error)[:200]
        self.attached.set()

    def read(self, url, stop):
        from arrakis.flight import RequestType, RequestValidator, create_descriptor
        from pyarrow import flight

        # a connection of its own, as clients on as many machines would have
        client = flight.connect(url, generic_options=[("grpc.use_local_subchannel_pool", 1)])
        descriptor = create_descriptor(
            RequestType.Stream,
            channels=self.channels,
            start=None,
            end=None,
            replay_start=None,
            replay_end=None,
            replay_id=None,
            validator=RequestValidator(),
        )
        info = client.get_flight_info(descriptor)
        self.reader = client.do_get(info.endpoints[0].ticket)
        for chunk in self.reader:
            read_ns = time.time_ns()
            batch = chunk.data
            if batch is None:
                continue
            times = batch.column(0)
            for row in range(batch.num_rows):
                self.rows.append((times[row].as_py(), read_ns))
            self.attached.set()
            if stop.is_set():
                return


def work(plan, clients, barrier, window, results):
    """One process: reads its clients, and hands what it saw in the window to the parent."""
    import arrakis.flight  # noqa: F401: before the threads, which would import it at once
    import pyarrow.flight  # noqa: F401

    stop = threading.Event()
    mine = [Client(channels) for channels in clients]
    for client in mine:
        threading.Thread(target=client.run, args=(plan["url"], stop), daemon=True).start()
        time.sleep(0.01)
    deadline = time.monotonic() + ATTACH_SECONDS_MAX
    for client in mine:
        client.attached.wait(max(0, deadline - time.monotonic()))
    attached = sum(1 for client in mine if client.rows)
    results.put(("attached", attached))
    barrier.wait(ATTACH_SECONDS_MAX * 2)
    begin_ns, end_ns = window[0], window[1]
    time.sleep(max(0, (begin_ns - time.time_ns()) / 1e9))
    cpu_begin = time.process_time()
    time.sleep(max(0, (end_ns - time.time_ns()) / 1e9))
    cpu = time.process_time() - cpu_begin
    stop.set()
    for client in mine:
        if client.reader is not None:
            try:
                client.reader.cancel()
            except Exception:
                pass
    results.put(("done", cpu, [measure(client, plan, begin_ns, end_ns) for client in mine]))


def measure(client, plan, begin_ns, end_ns):
    from gpstime import gpsnow

    stride_ns = plan["strideNs"]
    gps_minus_unix_ns = round((gpsnow() - time.time())) * 1_000_000_000
    seen = [(row, read) for row, read in list(client.rows) if begin_ns <= read < end_ns]
    result = {"rows": len(seen), "lost": 0, "behindMs": 0.0, "error": client.error}
    if not seen:
        return result, []
    rows = numpy.array(seen, dtype=numpy.int64)
    steps = numpy.diff(rows[:, 0])
    result["lost"] = int(sum(step // stride_ns - 1 for step in steps if step > stride_ns))
    latencies = (rows[:, 1] + gps_minus_unix_ns - rows[:, 0] - stride_ns) / 1e6
    third = max(1, len(latencies) // 3)
    result["behindMs"] = round(float(numpy.median(latencies[-third:]) - numpy.median(latencies[:third])), 1)
    return result, latencies.round(2).tolist()


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def main():
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    clients = plan["clients"]
    if len(clients) > CLIENTS_MAX or plan["seconds"] > SECONDS_MAX or not plan["url"].startswith("grpc://127.0.0.1:"):
        raise SystemExit(f"at most {CLIENTS_MAX} clients of 127.0.0.1 for {SECONDS_MAX} s")
    context = multiprocessing.get_context("spawn")
    processes = min(plan["processes"], len(clients))
    barrier = context.Barrier(processes + 1)
    window = context.Array("q", 2)
    results = context.Queue()
    workers = [
        context.Process(target=work, args=(plan, clients[i::processes], barrier, window, results), daemon=True)
        for i in range(processes)
    ]
    for worker in workers:
        worker.start()
    attached = sum(results.get(timeout=3 * ATTACH_SECONDS_MAX)[1] for _ in workers)
    window[0] = time.time_ns() + int(plan["settleSeconds"] * 1e9)
    window[1] = window[0] + int(plan["seconds"] * 1e9)
    barrier.wait(ATTACH_SECONDS_MAX)
    time.sleep(max(0, (window[0] - time.time_ns()) / 1e9))
    say("measuring", attached=attached)
    cpu = 0.0
    each = []
    latencies = []
    for _ in workers:
        _, used, measured = results.get(timeout=plan["seconds"] + plan["settleSeconds"] + 60)
        cpu += used
        for result, values in measured:
            each.append(result)
            latencies += values
    parts = numpy.percentile(latencies, [50, 99, 99.9, 100]).round(1).tolist() if latencies else [0, 0, 0, 0]
    say("done", readerCpuSeconds=round(cpu, 2), clients=each, latenciesMs=parts)
    sys.stdout.flush()
    for worker in workers:
        worker.kill()  # threads that are blocked in a read would keep it
    os._exit(0)


if __name__ == "__main__":
    main()
