# qanat_client with servers that are not Qanat: where its token goes, and what its errors say. Prints {"checks"}.
import http.server
import json
import sys
import threading
import time

sys.path.insert(0, "clients/python/src")
import qanat_client
from qanat_client import streaming

SECRET = "qanat_secret"


class Answers(http.server.ThreadingHTTPServer):
    """Answers all requests alike, unless their path is in `others`, with status and body; keeps their headers."""

    daemon_threads = True

    def __init__(self, status, headers=(), body=b"", others=None):
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                self.asked.append((handler.path, handler.headers.get("authorization")))
                path = handler.path.partition("?")[0]
                code, content = (others or {}).get(path, (status, body))
                handler.send_response(code)
                for name, value in [*headers, ("content-length", str(len(content)))]:
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write(content)

            def log_message(handler, *args):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


def error_of(act):
    """What is raised, as text; it never has the token."""
    try:
        act()
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        assert SECRET not in text, text
        return text
    raise AssertionError("nothing was raised")


def check_redirect_elsewhere():
    there = Answers(200, [("content-type", "application/json")], b'{"count": 1}')
    here = Answers(302, [("location", f"{there.url}/v1/channels/count")])
    text = error_of(lambda: qanat_client.Client(here.url, token=SECRET).count())
    assert text.startswith("QanatError") and there.url in text, text
    assert there.asked == [], there.asked
    # Without a token there is nothing to keep.
    assert qanat_client.Client(here.url, token="").count() == 1


def check_token_of_other_characters():
    server = Answers(200, body=b'{"count": 1}')
    # As a file or a shell leaves it behind a token.
    qanat_client.Client(server.url, token=f"{SECRET}\n").count()
    assert server.asked[-1][1] == f"Bearer {SECRET}", server.asked
    for token in (f"{SECRET}\nX-Other: 1", f"{SECRET} 1", f"{SECRET}\u00e9"):
        text = error_of(lambda: qanat_client.Client(server.url, token=token).count())
        assert text.startswith("QanatError: the token has"), text
    assert len(server.asked) == 1


def check_password_in_address():
    text = error_of(lambda: qanat_client.Client(f"http://user:{SECRET}@127.0.0.1:8080"))
    assert text.startswith("ValueError: give the token as token="), text


def check_another_server():
    page = Answers(200, [("content-type", "text/html")], b"<html>Sign in</html>")
    client = qanat_client.Client(page.url)
    for act in (client.count, lambda: list(client.find()), lambda: client.fetch("H1:A")):
        text = error_of(act)
        assert text.startswith("QanatError") and "is not the address of Qanat" in text, text


def check_pauses():
    slept = []
    # A day, and a time that is none.
    for asked in ("86400", "\u00b2", "-1"):
        busy = Answers(503, [("retry-after", asked)])
        real, time.sleep = time.sleep, slept.append
        try:
            text = error_of(lambda: qanat_client.Client(busy.url).fetch("H1:A", retries=2))
        finally:
            time.sleep = real
        assert text.startswith("StreamError"), text
        assert len(busy.asked) == 3, busy.asked
    assert slept[:2] == [streaming.ASKED_PAUSE_MAX_S] * 2, slept
    assert max(slept[2:]) <= streaming.PAUSE_MAX_S, slept


def check_newest_of_no_data():
    """A stream would wait for it, and so for days."""
    channel = json.dumps({"name": "A", "data_type": "float32", "sample_rate": 16}).encode()
    problem = json.dumps({"title": "No data", "code": "no_data", "detail": "There is no recent row of A"}).encode()
    server = Answers(200, body=channel, others={"/v1/latest": (404, problem)})
    text = error_of(lambda: qanat_client.Client(server.url).fetch("A"))
    assert text == "RequestError: 404 No data: There is no recent row of A", text


def check_on_gap():
    """Also of the newest row, which has no range."""
    text = error_of(lambda: qanat_client.Client("http://127.0.0.1:1").fetch("H1:A", on_gap="fil", retries=0))
    assert text.startswith("ValueError: on_gap must be"), text


def check_durations():
    client = qanat_client.Client("http://127.0.0.1:1")
    for duration in (float("nan"), float("inf"), 0, -1):
        text = error_of(lambda: client.fetch("H1:A", start=-5, duration=duration))
        assert text.startswith("ValueError: duration must be"), text


def check_gap_within_a_block():
    """Its masked samples are those whose times lie in the range, as of blocks that have come."""
    a = qanat_client.Channel(name="A", data_type="float32", sample_rate=256.0, stride=62_500_000)
    stride_ns = a.stride
    for start_ns, end_ns in ((30_000_000, 50_000_000), (30_000_000, 200_000_000), (0, 62_500_000), (7_000_000, 7_500_000)):
        stream = streaming.Stream(None, lambda: {"A": a}, ["A"])
        stream._start_ns, stream._end_ns = start_ns, end_ns
        blocks = list(stream._up_to(end_ns, {"A": a}, stride_ns, "retention"))
        whole = qanat_client.concatenate_blocks(*blocks)
        assert (whole.time_ns, whole.end_ns) == (start_ns, end_ns), whole
        within = [k for k in range(64) if start_ns <= k * 1_000_000_000 / 256 < end_ns]
        assert len(whole["A"]) == len(within), (start_ns, end_ns, len(whole["A"]), len(within))


CHECKS = [
    check_gap_within_a_block,
    check_redirect_elsewhere,
    check_token_of_other_characters,
    check_password_in_address,
    check_another_server,
    check_pauses,
    check_newest_of_no_data,
    check_on_gap,
    check_durations,
]
for check in CHECKS:
    check()
print(json.dumps({"checks": len(CHECKS)}))
