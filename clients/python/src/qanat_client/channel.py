"""Channels: what the server says about a time series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional, Tuple

import numpy


@dataclass(frozen=True)
class Channel:
    """Description of a channel. The names of the fields are those of Arrakis's client."""

    name: str
    #: Type of the samples, such as "float32".
    data_type: str
    #: Samples per second.
    sample_rate: float
    publisher: Optional[str] = None
    #: Length of a block, ns.
    stride: Optional[int] = None
    #: Time after the end of a block until which it is waited for, ns.
    max_latency: Optional[int] = None
    replay_id: Optional[str] = None
    #: False if the server reads the channel and its publisher has stopped sending.
    live: Optional[bool] = None
    #: Unit of the samples, if the operator of the server has noted one.
    unit: Optional[str] = None
    #: What the channel is, if the operator has noted it.
    description: Optional[str] = None
    #: The samples are usually from the first number to the second one, in the unit.
    range: Optional[Tuple[float, float]] = None

    @property
    def dtype(self) -> "numpy.dtype[Any]":
        """The type of the samples in numpy."""
        return numpy.dtype(self.data_type)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Channel":
        """The channel of an entry of ``/v1/channels``."""
        return cls(
            name=entry["name"],
            data_type=entry["data_type"],
            sample_rate=entry["sample_rate"],
            publisher=entry.get("publisher"),
            stride=entry.get("stride_ns"),
            max_latency=entry.get("max_latency_ns"),
            replay_id=entry.get("replay_id"),
            live=entry.get("live"),
            unit=entry.get("unit"),
            description=entry.get("description"),
            range=tuple(entry["range"]) if entry.get("range") else None,
        )
