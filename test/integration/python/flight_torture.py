# Many unchanged Flight clients that behave badly: 10 processes × 10 connections × 15 streams, of which some are
# cancelled, some stop reading; 3 processes are killed, 2 are stopped and killed later. Prints how many streams it opened.
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pyarrow.flight as flight

PROCESSES = 10
CONNECTIONS = 10
STREAMS = 15


def read(client, channels, chance):
    names = chance.sample(channels, chance.randint(1, 6))
    command = {"request": "Stream", "args": {"channels": names, "start": None, "end": None}}
    try:
        reader = client.do_get(flight.Ticket(json.dumps(command).encode()))
        for _ in reader:
            luck = chance.random()
            if luck < 0.02:
                return reader.cancel()
            if luck < 0.03:
                time.sleep(2)
    except flight.FlightError:
        pass


def connection(url, channels, chance):
    client = flight.connect(url)
    readers = [threading.Thread(target=read, args=(client, channels, chance), daemon=True) for _ in range(STREAMS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(chance.uniform(0.2, 1))


def child(url, channels, seed):
    chance = random.Random(seed)
    threads = [
        threading.Thread(target=connection, args=(url, channels, chance), daemon=True) for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(12)
    os._exit(0)


def main(url, channels):
    children = [
        subprocess.Popen([sys.executable, __file__, url, ",".join(channels), str(seed)]) for seed in range(PROCESSES)
    ]
    time.sleep(6)
    for process in children[:3]:
        process.kill()
    for process in children[3:5]:
        process.send_signal(signal.SIGSTOP)
    time.sleep(8)
    for process in children[3:5]:
        process.kill()
    for process in children:
        process.wait(30)
    print(PROCESSES * CONNECTIONS * STREAMS, flush=True)


if len(sys.argv) > 3:
    child(sys.argv[1], sys.argv[2].split(","), int(sys.argv[3]))
else:
    main(sys.argv[1], sys.argv[2].split(","))
