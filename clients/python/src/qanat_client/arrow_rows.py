"""The rows of one answer of ``/v1/arrow``, as blocks of numpy arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Mapping, Optional

import numpy
import pyarrow
import pyarrow.compute

from .channel import Channel
from .series import NS_PER_S, SeriesBlock, samples_between


@dataclass(frozen=True)
class End:
    """Why the server ended a stream."""

    reason: str


@dataclass(frozen=True)
class Gap:
    """The server reports a span without rows, before the row that follows."""

    reason: Optional[str]


class ArrowRows:
    """Reads an Arrow stream: yields blocks, the gaps before them and the server's reason of the end.

    Ends at the end-of-stream marker; ``is_whole`` is then true. Raises OSError, HTTPException or ArrowInvalid when the
    body breaks off.
    """

    def __init__(self, source: Any, channels: Mapping[str, Channel], stride_ns: int) -> None:
        self._source = source
        self._channels = dict(channels)
        self._stride_ns = stride_ns

    def __iter__(self) -> Iterator[object]:
        with pyarrow.ipc.open_stream(self._source) as stream:
            while True:
                try:
                    batch, metadata = stream.read_next_batch_with_custom_metadata()
                except StopIteration:
                    return
                known = _text_of(metadata)
                if "qanat.gap" in known:
                    yield Gap(json.loads(known["qanat.gap"]).get("reason"))
                for row in range(batch.num_rows):
                    yield self._block(batch, row)
                if "qanat.end" in known:
                    yield End(json.loads(known["qanat.end"]).get("reason", "unknown"))

    def _block(self, batch: Any, row: int) -> SeriesBlock:
        time_ns = batch.column("time")[row].as_py()
        data: Dict[str, Any] = {}
        for name, channel in self._channels.items():
            count = samples_between(channel.sample_rate, time_ns, time_ns + self._stride_ns)
            data[name] = _samples_of(batch.column(name), row, count, channel.dtype)
        return SeriesBlock(time_ns, data, self._channels, self._stride_ns)


def _text_of(metadata: Any) -> Dict[str, str]:
    return {key.decode(): value.decode() for key, value in (metadata or {}).items()}


def _samples_of(column: Any, row: int, count: int, dtype: "numpy.dtype[Any]") -> Any:
    """The samples of a list; masked where they are null."""
    scalar = column[row]
    if not scalar.is_valid:
        return numpy.ma.masked_all(count, dtype=dtype)
    values = scalar.values
    if values.null_count == 0:
        return values.to_numpy(zero_copy_only=dtype.kind != "b").astype(dtype, copy=False)
    mask = pyarrow.compute.is_null(values).to_numpy(zero_copy_only=False)
    filled = pyarrow.compute.fill_null(values, pyarrow.scalar(0, values.type))
    return numpy.ma.array(filled.to_numpy(zero_copy_only=False).astype(dtype, copy=False), mask=mask)


def stride_of(channels: Mapping[str, Channel]) -> int:
    """Length of a row of these channels, ns: the least common multiple of the lengths of their blocks."""
    result = 1
    for channel in channels.values():
        stride = channel.stride or NS_PER_S
        result = int(numpy.lcm(result, stride))
    return result
