"""Reads streams with sseclient-py and httpx-sse over as many connections as it takes.

Takes [{"library", "url", "rowsMax"}] as JSON, prints [{"times", "gaps"}].
"""

import concurrent.futures
import json
import sys
import time

import httpx
import httpx_sse
import requests
import sseclient

PAUSE_S = 0.05


def sseclient_py(url, last_id):
    headers = {"Accept": "text/event-stream"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    try:
        with requests.get(url, headers=headers, stream=True, timeout=30) as answer:
            if answer.status_code == 204:
                return True
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
            source.response.raise_for_status()
            yield from source.iter_sse()
    except httpx.TransportError:
        pass
    return False


LIBRARIES = {"sseclient-py": sseclient_py, "httpx-sse": httpx_sse_events}


def read(run):
    got = {"times": [], "gaps": []}
    last_id = ""
    while True:
        events = LIBRARIES[run["library"]](run["url"], last_id)
        while True:
            try:
                event = next(events)
            except StopIteration as stop:
                if stop.value:
                    return got
                break
            if event.id:
                last_id = event.id
            if event.event == "gap":
                got["gaps"].append(event.data)
            if event.event != "message":
                continue
            got["times"].append(json.loads(event.data)["time"])
            if len(got["times"]) == run["rowsMax"]:
                events.close()
                return got
        time.sleep(PAUSE_S)


runs = json.loads(sys.argv[1])
with concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
    print(json.dumps(list(pool.map(read, runs))))
