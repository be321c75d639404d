"""What schemathesis needs to know of Qanat beyond its OpenAPI document: which names there are, what OpenAPI cannot
say of a query (one of two, not both), and that a stream must be short for a test to end."""

import io
import os
import zlib
from urllib.parse import urlsplit

import pyarrow
import requests
import schemathesis

URL = os.environ["QANAT_URL"]
SECONDS = 0.1
STREAMS = ("/v1/events", "/v1/arrow", "/v1/data")
ARROW = "application/vnd.apache.arrow.stream"

NAMES = [channel["name"] for channel in requests.get(f"{URL}/v1/channels", timeout=10).json()["channels"]]
EXPRESSIONS = ["H1:", ".*_F32_16$", "(H1|L1):QANAT-(SINE|COUNT)", r"\w+:SLOW", ""]


def one_of(values, drawn):
    """An existing value instead of a random one; the same each time."""
    return values[zlib.crc32(str(drawn).encode()) % len(values)]


@schemathesis.deserializer(ARROW)
def read_arrow(context, response):
    """Raises where the stream is not whole."""
    return pyarrow.ipc.open_stream(io.BytesIO(response.content)).read_all().schema.names


@schemathesis.deserializer("text/csv", "application/x-ndjson", "application/ndjson", "application/jsonl")
def read_lines(context, response):
    return response.content.decode()


@schemathesis.hook
def before_call(context, case, kwargs):
    fields = case.body if case.method == "POST" else case.query
    if not isinstance(fields, dict):
        return
    is_stream = urlsplit(case.path).path in STREAMS
    if fields.get("errors") == "event":
        # It asks for status 200 where the request is refused: test/http/routes/error_events_test.ts checks that.
        fields["errors"] = "status"
    if case.meta is None or case.meta.generation.mode.is_positive:
        if "match" in fields:
            fields["match"] = one_of(EXPRESSIONS, fields["match"])
        if case.path == "/v1/latest":
            make_consistent(fields)
            # The instance is too young to have whole bins: 503 is right.
            fields.pop("trend", None)
        if is_stream:
            make_consistent(fields)
            if fields.get("coding") == "gzip" and case.headers:
                case.headers.pop("accept", None)
            if case.path in ("/v1/arrow", "/v1/data"):
                accept_what_is_sent(case)
                if fields.get("gaps") == "fail":
                    avoid_gaps(fields, case.headers or {})
            if case.path == "/v1/data":
                # Channels of one rate, and one for gwpy.
                fields["channels"] = fields["channels"][:1]
                fields.pop("match", None)
            if "start" not in fields:
                # The first bin from now on is over after up to a minute.
                fields.pop("trend", None)
    if is_stream:
        shorten(fields)


def make_consistent(fields) -> None:
    """What a schema cannot say: names that there are, one of two, not both, not in the future."""
    fields.pop("replay", None)
    if fields.get("slow") == "trend":
        fields.pop("trend", None)
    fields["channels"] = [one_of(NAMES, drawn) for drawn in fields.get("channels") or [""]]
    if "start" in fields or "end" in fields:
        fields.pop("latest", None)
    if "end" in fields:
        fields.pop("duration", None)
        fields["start"], fields["end"] = "1126259462", "2015-09-14T09:50:46Z"
    elif "start" in fields:
        fields["start"] = one_of(["1126259462", 1126259462.5, "2026-01-01T00:00Z"], fields["start"])


def accept_what_is_sent(case) -> None:
    """The document cannot say which texts of Accept allow the types that are sent."""
    if case.headers and "accept" in case.headers:
        known = ["*/*", ARROW] if case.path == "/v1/arrow" else ["*/*", "text/csv", "application/jsonl"]
        case.headers["accept"] = one_of(known, case.headers["accept"])


def avoid_gaps(fields, headers) -> None:
    """A body that ends by a gap is broken off, so that nobody takes it for whole; that is no response to
    check. Live from now on there is none."""
    for name in ("start", "end", "after"):
        fields.pop(name, None)
    headers.pop("last-event-id", None)


def shorten(fields) -> None:
    """A valid duration stays valid, an invalid one invalid."""
    if "duration" not in fields:
        if "end" not in fields:
            fields["duration"] = SECONDS
        return
    try:
        seconds = float(fields["duration"])
    except (TypeError, ValueError):
        return
    if SECONDS < seconds <= 1e9 and not isinstance(fields["duration"], bool):
        fields["duration"] = SECONDS
