"""A stream of blocks over as many connections as it takes.

Invariant: blocks are yielded in order of time, none twice, and none of the requested range is left out without a word.
"""

from __future__ import annotations

import http.client
import math
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Union

import pyarrow

from .arrow_rows import ArrowRows, End, Gap, stride_of
from .channel import Channel
from .connection import Connection
from .errors import GapError, RequestError, StreamError
from .series import NS_PER_S, SeriesBlock

TimeLike = Union[int, float, str]
ON_GAP = ("fill", "skip", "raise")
RETRIES_MAX = 30
#: Pause before the first and the longest before a later attempt, s.
PAUSE_S = 0.5
PAUSE_MAX_S = 10.0
#: The longest pause that an answer may ask for, s.
ASKED_PAUSE_MAX_S = 60.0
#: Ends after which the same request is answered again.
CONTINUED = frozenset(["drain", "age", "changed", "error", "slow", "worker-replaced"])
#: Answers of a server that may be another one in a moment.
RETRIED_STATUSES = frozenset([408, 425, 429, 500, 502, 503, 504])
ARROW = "application/vnd.apache.arrow.stream"
#: Largest GPS time, s, that is taken for a time and not for nanoseconds.
GPS_S_MAX = 9_999_999_999


def time_text(value: Optional[TimeLike]) -> Optional[str]:
    """A time as the server reads it."""
    if value is None or isinstance(value, str):
        return value
    if abs(value) > GPS_S_MAX:
        raise ValueError(f"times are GPS seconds; {value!r} is too large")
    if isinstance(value, int):
        return str(value)
    # The shortest text that means this number: 1126259462.42 is not ….420000076.
    text = repr(float(value))
    return f"{value:.9f}" if "e" in text else text


def seconds_text(time_ns: int) -> str:
    """GPS ns as GPS seconds with all nine decimals."""
    return f"{time_ns // NS_PER_S}.{time_ns % NS_PER_S:09d}"


def ns_of(seconds: str) -> int:
    """GPS ns of GPS seconds as text."""
    whole, _, decimals = seconds.partition(".")
    return int(whole) * NS_PER_S + int(decimals.ljust(9, "0")[:9] or 0)


class Stream:
    """Iterate over it once."""

    def __init__(
        self,
        connection: Connection,
        describe: Callable[[], Dict[str, Channel]],
        names: List[str],
        *,
        start: Optional[TimeLike] = None,
        end: Optional[TimeLike] = None,
        duration: Optional[float] = None,
        replay_id: Optional[str] = None,
        on_gap: str = "fill",
        retries: int = RETRIES_MAX,
        is_newest: bool = False,
    ) -> None:
        self._connection = connection
        self._describe = describe
        self._names = names
        self._replay_id = replay_id
        self._on_gap = on_gap
        self._retries = retries
        self._is_newest = is_newest
        self._start = time_text(start)
        self._end = time_text(end)
        if duration is not None and not 0 < duration < math.inf:
            raise ValueError(f"duration must be above 0 s, not {duration!r}")
        self._duration_ns = None if duration is None else max(1, round(duration * NS_PER_S))
        #: The range, GPS ns, as far as it is known.
        self._start_ns: Optional[int] = None
        self._end_ns: Optional[int] = None
        #: End of the last block that was yielded or left out.
        self._at_ns: Optional[int] = None

    def __iter__(self) -> Iterator[SeriesBlock]:
        failures = 0
        while True:
            before = self._at_ns
            try:
                ended = yield from self._blocks_of_one_answer()
                if ended is None:
                    yield from self._rest()
                    return
                failure: Exception = StreamError(ended, f"the server ended the stream: {ended}")
                if ended not in CONTINUED:
                    raise failure
                wait_s = None
            except RequestError as error:
                if error.status not in RETRIED_STATUSES:
                    raise
                asked_s = error.retry_after_s
                failure, wait_s = error, None if asked_s is None else min(asked_s, ASKED_PAUSE_MAX_S)
            except (OSError, http.client.HTTPException, pyarrow.ArrowException, EOFError) as error:
                failure, wait_s = error, None
            failures = 1 if self._at_ns != before else failures + 1
            if failures > self._retries:
                raise StreamError("connection", f"gave up after {failures} attempts: {failure}") from failure
            time.sleep(wait_s if wait_s is not None else min(PAUSE_MAX_S, PAUSE_S * 2 ** (failures - 1)))
            if self._end_ns is not None and self._at_ns is not None and self._at_ns >= self._end_ns:
                return

    def _blocks_of_one_answer(self) -> "Any":
        """Yields the blocks of one answer. Returns the server's reason, or None at the end of the range."""
        channels = self._describe()
        stride_ns = stride_of(channels)
        reason: Optional[str] = None
        # A stream would wait for the first row without an end where there is none.
        path = "/v1/latest" if self._is_newest else "/v1/arrow"
        with self._connection.open(path, self._query(), can_post=True, accept=ARROW) as answer:
            if answer.status == 204:
                return None
            self._fix_range(answer)
            for item in ArrowRows(answer, channels, stride_ns):
                if isinstance(item, End):
                    return item.reason
                if isinstance(item, Gap):
                    reason = item.reason
                    continue
                assert isinstance(item, SeriesBlock)
                yield from self._up_to(item.time_ns, channels, stride_ns, reason)
                reason = None
                block = self._cropped(item)
                if block is not None:
                    if self._on_gap == "raise" and block.has_gaps:
                        raise GapError(block.time_ns, block.end_ns, None)
                    yield block
                if self._duration_ns is not None and self._end_ns is None:
                    self._end_ns = item.time_ns + self._duration_ns
                self._at_ns = item.end_ns
        return None

    def _fix_range(self, answer: http.client.HTTPResponse) -> None:
        """Keeps the range that the server understood: later answers must not begin at another "now"."""
        start, end = answer.headers["x-start"], answer.headers["x-end"]
        if start is not None:
            self._start_ns = ns_of(start)
        if end is not None:
            self._end_ns = ns_of(end)

    def _query(self) -> Dict[str, Any]:
        if self._is_newest:
            return {"channels": self._names, "replay": self._replay_id}
        duration = self._duration_ns if self._end_ns is None else None
        return {
            "channels": self._names,
            "replay": self._replay_id,
            "start": self._start if self._start_ns is None else seconds_text(self._start_ns),
            "end": self._end if self._end_ns is None else seconds_text(self._end_ns),
            "duration": None if duration is None else repr(duration / NS_PER_S),
            "gaps": "skip",
            "after": None if self._at_ns is None else str(self._at_ns),
        }

    def _up_to(
        self, to_ns: int, channels: Dict[str, Channel], stride_ns: int, reason: Optional[str]
    ) -> Iterator[SeriesBlock]:
        """Covers the time without rows before `to_ns`: with nothing, with masked blocks, or by an error."""
        at_ns = self._at_ns if self._at_ns is not None else self._start_ns
        if at_ns is None or at_ns >= to_ns or self._on_gap == "skip":
            return
        if self._on_gap == "raise":
            raise GapError(at_ns, to_ns, reason)
        while at_ns < to_ns:
            # Whole blocks have their samples at the times of the channel's; the first and the last one may be cut.
            block_ns = at_ns // stride_ns * stride_ns
            next_ns = min(to_ns, block_ns + stride_ns)
            yield SeriesBlock.full_gap(block_ns, stride_ns, channels.values(), reason).crop(at_ns, next_ns)
            at_ns = next_ns
            self._at_ns = at_ns

    def _rest(self) -> Iterator[SeriesBlock]:
        """The time without rows at the end of a range."""
        if self._end_ns is None or self._is_newest:
            return
        at_ns = self._at_ns if self._at_ns is not None else self._start_ns
        if at_ns is None or at_ns >= self._end_ns:
            return
        channels = self._describe()
        yield from self._up_to(self._end_ns, channels, stride_of(channels), None)

    def _cropped(self, block: SeriesBlock) -> Optional[SeriesBlock]:
        """The part of a block that lies in the range; None where there is none."""
        start_ns = block.time_ns if self._start_ns is None else self._start_ns
        end_ns = block.end_ns if self._end_ns is None else self._end_ns
        cropped = block.crop(start_ns, end_ns)
        return cropped if cropped.duration_ns > 0 else None
