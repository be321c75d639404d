"""The client: finds channels, fetches ranges, streams blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Union
from urllib.parse import quote

import numpy

from .channel import Channel
from .connection import Connection
from .errors import GapError, StreamError
from .series import SeriesBlock, concatenate_blocks
from .streaming import RETRIES_MAX, ON_GAP, Stream, TimeLike

NameLike = Union[str, Channel]
#: Channels in one request for their descriptions.
PAGE = 10_000


class Client:
    """Finds and reads channels of a Qanat server.

    Parameters
    ----------
    url
        Address of the server; the variable ``QANAT_URL``, else ``http://127.0.0.1:8080``.
    token, token_file
        A token, or a file that has it and is read again for each request; the variable ``QANAT_TOKEN``, else none.
    cafile
        Certificates (PEM) to trust instead of the system's.

    Times are GPS seconds (a number, or a text with up to nine decimals), UTC in ISO 8601 (``"2015-09-14T09:50:45Z"``),
    or relative to the server's time: ``-60`` (seconds), ``"-2h"``, ``"now"``.
    """

    def __init__(
        self,
        url: Optional[str] = None,
        *,
        token: Optional[str] = None,
        token_file: Union[str, Path, None] = None,
        cafile: Union[str, Path, None] = None,
    ) -> None:
        self._connection = Connection(url, token=token, token_file=token_file, cafile=cafile)

    @property
    def url(self) -> str:
        """Address of the server."""
        return self._connection.url

    def find(
        self,
        pattern: Optional[str] = None,
        data_type: Union[Any, List[Any], None] = None,
        min_rate: Optional[float] = None,
        max_rate: Optional[float] = None,
        publisher: Union[str, List[str], None] = None,
        replay_id: Optional[str] = None,
    ) -> Iterator[Channel]:
        """Channels whose names begin with a match of `pattern` (RE2), sorted by name."""
        query = self._filters(pattern, data_type, min_rate, max_rate, publisher, replay_id)
        after: Optional[str] = None
        while True:
            page = self._connection.json("/v1/channels", {**query, "limit": str(PAGE), "after": after})
            for entry in page["channels"]:
                yield Channel.from_json(entry)
            after = page["next"]
            if after is None:
                return

    def count(
        self,
        pattern: Optional[str] = None,
        data_type: Union[Any, List[Any], None] = None,
        min_rate: Optional[float] = None,
        max_rate: Optional[float] = None,
        publisher: Union[str, List[str], None] = None,
        replay_id: Optional[str] = None,
    ) -> int:
        """Number of the channels that :meth:`find` would yield."""
        query = self._filters(pattern, data_type, min_rate, max_rate, publisher, replay_id)
        return int(self._connection.json("/v1/channels/count", query)["count"])

    def describe(
        self, channels: Iterable[NameLike], *, replay_id: Optional[str] = None
    ) -> Dict[str, Channel]:
        """The channels of these names. Raises :class:`RequestError` (404) for one that does not exist."""
        return {
            name: Channel.from_json(
                self._connection.json(f"/v1/channels/{_quoted(name)}", {"replay": replay_id})
            )
            for name in names_of(channels)
        }

    def stream(
        self,
        channels: Iterable[NameLike],
        start: Optional[TimeLike] = None,
        end: Optional[TimeLike] = None,
        *,
        duration: Optional[float] = None,
        replay_id: Optional[str] = None,
        on_gap: str = "fill",
        retries: int = RETRIES_MAX,
    ) -> Iterator[SeriesBlock]:
        """Blocks of the channels in order of time: of a range, or live without an end.

        Without `start`, from now on. `duration` counts from `start`, else from the first block.

        `on_gap` decides about time without data: "fill" yields blocks whose samples are masked, so that the blocks
        follow each other; "skip" leaves them out; "raise" raises :class:`GapError`. Channels that alone lack samples
        are masked (with "raise": raise).

        After a broken connection, the stream continues after the last block. After `retries` failed attempts in
        succession it raises :class:`StreamError`.
        """
        _check_on_gap(on_gap)
        if end is not None and duration is not None:
            raise ValueError("give end or duration, not both")
        names = names_of(channels)
        stream = Stream(
            self._connection,
            lambda: self.describe(names, replay_id=replay_id),
            names,
            start=start,
            end=end,
            duration=duration,
            replay_id=replay_id,
            on_gap=on_gap,
            retries=retries,
        )
        return iter(stream)

    def fetch(
        self,
        channels: Iterable[NameLike],
        start: Optional[TimeLike] = None,
        end: Optional[TimeLike] = None,
        *,
        duration: Optional[float] = None,
        replay_id: Optional[str] = None,
        on_gap: str = "fill",
        retries: int = RETRIES_MAX,
    ) -> SeriesBlock:
        """One block of a range.

        - `start` and `end`, or `start` and `duration`: this range.
        - `start` alone: one row from this time on.
        - `duration` alone: from now on; waits for the data.
        - none of them: the newest row. Where there is none, it raises :class:`RequestError` (404) and does not wait.

        Missing samples are masked. With ``on_gap="raise"`` they raise :class:`GapError`. A range that is wholly older than
        the oldest data raises :class:`RangeNotAvailableError`, whatever `on_gap` is.
        """
        if on_gap == "skip":
            raise ValueError('fetch returns one block; on_gap="skip" is not possible')
        if end is not None and start is None:
            raise ValueError("end needs a start; give a duration to fetch from now on")
        names = names_of(channels)
        if start is None and duration is None:
            return self._newest(names, replay_id, on_gap, retries)
        blocks = self.stream(
            names, start, end, duration=duration, replay_id=replay_id, on_gap=on_gap, retries=retries
        )
        if end is None and duration is None:
            return _first_of(blocks)
        received = list(blocks)
        if not received:
            raise StreamError("empty", "the range has no samples: it is shorter than the time between two")
        return concatenate_blocks(*received)

    def _newest(self, names: List[str], replay_id: Optional[str], on_gap: str, retries: int) -> SeriesBlock:
        _check_on_gap(on_gap)
        stream = Stream(
            self._connection,
            lambda: self.describe(names, replay_id=replay_id),
            names,
            replay_id=replay_id,
            on_gap="skip",
            retries=retries,
            is_newest=True,
        )
        block = _first_of(iter(stream))
        if on_gap == "raise" and block.has_gaps:
            raise GapError(block.time_ns, block.end_ns, None)
        return block

    def _filters(
        self,
        pattern: Optional[str],
        data_type: Union[Any, List[Any], None],
        min_rate: Optional[float],
        max_rate: Optional[float],
        publisher: Union[str, List[str], None],
        replay_id: Optional[str],
    ) -> Dict[str, Optional[str]]:
        types = [] if data_type is None else data_type if isinstance(data_type, list) else [data_type]
        publishers = [] if publisher is None else [publisher] if isinstance(publisher, str) else publisher
        return {
            "match": pattern or None,
            "type": ",".join(numpy.dtype(it).name for it in types) or None,
            "min_rate": None if min_rate is None else repr(min_rate),
            "max_rate": None if max_rate is None else repr(max_rate),
            "publisher": ",".join(publishers) or None,
            "replay": replay_id,
        }


def names_of(channels: Union[NameLike, Iterable[NameLike]]) -> List[str]:
    """The names of channels, each once; of one channel, its name."""
    if isinstance(channels, (str, Channel)):
        channels = [channels]
    names = list(dict.fromkeys(str(channel) for channel in channels))
    if not names:
        raise ValueError("give at least one channel")
    return names


def _check_on_gap(on_gap: str) -> None:
    if on_gap not in ON_GAP:
        raise ValueError(f"on_gap must be one of {', '.join(ON_GAP)}, not {on_gap!r}")


def _first_of(blocks: Iterator[SeriesBlock]) -> SeriesBlock:
    for block in blocks:
        return block
    raise StreamError("empty", "the server ended the stream before its first block")


def _quoted(name: str) -> str:
    return quote(name, safe="")
