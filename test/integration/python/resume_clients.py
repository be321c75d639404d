"""Reads streams with sseclient-py and httpx-sse over as many connections as it takes.

Takes [{"library", "url", "rowsMax"}] as JSON. Prints a line as soon as something comes:
{"run", "time", "digest", "atMs"} for a row, {"run", "gap"} for a gap; "run" counts from 0.
"""

import concurrent.futures
import json
import sys
import time
import zlib

import httpx
import httpx_sse
import requests
import sseclient

# Until the server says `retry:`.
PAUSE_S = 1.0


def sseclient_py(url, last_id):
    headers = {"Accept": "text/event-stream"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    try:
        with requests.get(url, headers=headers, stream=True, timeout=30) as answer:
            if answer.status_code == 204:
                return True
            if answer.status_code < 500:
                answer.raise_for_status()
                yield from sseclient.SSEClient(answer).events()
    except (requests.exceptions.ChunkedEncodingError, requests.ConnectionError):
        pass
    return False


def httpx_sse_events(url, last_id):
    headers = {"Last-Event-ID": last_id} if last_id else {}
    try:
        with httpx.Client(timeout=30) as client, httpx_sse.connect_sse(
            client, "GET", url, headers=headers
        ) as source:
            if source.response.status_code == 204:
                return True
            if source.response.status_code < 500:
                source.response.raise_for_status()
                yield from source.iter_sse()
    except httpx.TransportError:
        pass
    return False


LIBRARIES = {"sseclient-py": sseclient_py, "httpx-sse": httpx_sse_events}


def say(line):
    # In one piece: several threads write.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def read(place, run):
    rows = 0
    last_id = ""
    pause_s = PAUSE_S
    while True:
        events = LIBRARIES[run["library"]](run["url"], last_id)
        while True:
            try:
                event = next(events)
            except StopIteration as stop:
                if stop.value:
                    return
                break
            if event.id:
                last_id = event.id
            if event.retry is not None:
                pause_s = int(event.retry) / 1000
            if event.event == "gap":
                say({"run": place, "gap": event.data})
            # A heartbeat is a message without data in httpx-sse.
            if event.event != "message" or not event.data:
                continue
            say(
                {
                    "run": place,
                    "time": json.loads(event.data)["time"],
                    "digest": zlib.crc32(event.data.encode()),
                    "atMs": time.time() * 1000,
                }
            )
            rows += 1
            if rows == run["rowsMax"]:
                events.close()
                return
        time.sleep(pause_s)


runs = json.loads(sys.argv[1])
with concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
    for done in [pool.submit(read, place, run) for place, run in enumerate(runs)]:
        done.result()
