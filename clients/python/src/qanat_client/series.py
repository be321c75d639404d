"""Samples of one channel (Series) and of several channels over the same time (SeriesBlock).

Missing samples are masked. The names of the properties are those of Arrakis's client.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, KeysView, List, Optional, Tuple

import numpy

from .channel import Channel

NS_PER_S = 1_000_000_000


def samples_between(sample_rate: float, from_ns: int, to_ns: int) -> int:
    """Number of samples in a span of time. Exact for whole rates."""
    if float(sample_rate).is_integer():
        return (to_ns - from_ns) * int(sample_rate) // NS_PER_S
    return round((to_ns - from_ns) * sample_rate / NS_PER_S)


@dataclass(frozen=True)
class Series:
    """Samples of one channel from a time on."""

    #: Time of the first sample, GPS ns.
    time_ns: int
    #: The samples; a masked array where some are missing.
    data: Any
    channel: Channel

    @property
    def array(self) -> Any:
        """The samples as a plain array. Missing samples have no meaning; see :attr:`mask`."""
        return numpy.asarray(self.data)

    @property
    def mask(self) -> Optional[Any]:
        """True where a sample is missing; None if none is."""
        return numpy.ma.getmaskarray(self.data) if numpy.ma.is_masked(self.data) else None

    @property
    def has_gaps(self) -> bool:
        """Whether samples are missing."""
        return self.mask is not None

    @property
    def time(self) -> float:
        """Time of the first sample, GPS s."""
        return self.time_ns / NS_PER_S

    t0 = time

    @property
    def dt(self) -> float:
        """Seconds from a sample to the next."""
        return 1 / self.sample_rate

    @property
    def sample_rate(self) -> float:
        """Samples per second."""
        return self.channel.sample_rate

    @property
    def name(self) -> str:
        """Name of the channel."""
        return self.channel.name

    @property
    def unit(self) -> Optional[str]:
        """Unit of the samples, if the operator of the server has noted one."""
        return self.channel.unit

    @property
    def dtype(self) -> Any:
        """Type of the samples."""
        return self.data.dtype

    data_type = dtype

    @property
    def duration_ns(self) -> int:
        """Length in time, ns."""
        return int(len(self) * NS_PER_S / self.sample_rate)

    @property
    def duration(self) -> float:
        """Length in time, s."""
        return self.duration_ns / NS_PER_S

    @property
    def times(self) -> Any:
        """Time of each sample, GPS s."""
        return numpy.arange(len(self)) * self.dt + self.time

    def __len__(self) -> int:
        return len(self.data)


@dataclass(frozen=True)
class SeriesBlock:
    """Samples of several channels over the same time; a mapping from names to :class:`Series`."""

    #: Time of the first samples, GPS ns.
    time_ns: int
    #: Samples by channel; masked arrays where some are missing.
    data: Dict[str, Any]
    channels: Dict[str, Channel]
    #: Length in time, ns.
    duration_ns: int
    #: Why there is no sample at all, as the server reports it; None where there are samples, or no reason is known.
    gap_reason: Optional[str] = field(default=None, compare=False)

    @property
    def time(self) -> float:
        """Time of the first samples, GPS s."""
        return self.time_ns / NS_PER_S

    t0 = time

    @property
    def start_ns(self) -> int:
        """Time of the first samples, GPS ns."""
        return self.time_ns

    @property
    def end_ns(self) -> int:
        """End of the block, GPS ns."""
        return self.time_ns + self.duration_ns

    @property
    def duration(self) -> float:
        """Length in time, s."""
        return self.duration_ns / NS_PER_S

    @property
    def has_gaps(self) -> bool:
        """Whether samples of any channel are missing."""
        return any(numpy.ma.is_masked(samples) for samples in self.data.values())

    def __getitem__(self, channel: str) -> Series:
        name = str(channel)
        return Series(self.time_ns, self.data[name], self.channels[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def keys(self) -> KeysView[str]:
        """Names of the channels."""
        return self.data.keys()

    def items(self) -> Iterator[Tuple[str, Series]]:
        """Names and series."""
        return ((name, self[name]) for name in self.data)

    def values(self) -> List[Series]:
        """The series."""
        return [self[name] for name in self.data]

    def filter(self, channels: Optional[Iterable[str]] = None) -> "SeriesBlock":
        """The same block with these channels only."""
        if channels is None:
            return self
        names = [str(name) for name in channels]
        return SeriesBlock(
            self.time_ns,
            {name: self.data[name] for name in names},
            {name: self.channels[name] for name in names},
            self.duration_ns,
            self.gap_reason,
        )

    def crop(self, start_ns: int, end_ns: int) -> "SeriesBlock":
        """The samples whose times are at or after `start_ns` and before `end_ns`, GPS ns."""
        if start_ns <= self.time_ns and end_ns >= self.end_ns:
            return self
        start_ns = min(max(start_ns, self.time_ns), self.end_ns)
        end_ns = max(min(end_ns, self.end_ns), start_ns)
        data = {}
        for name, samples in self.data.items():
            rate = self.channels[name].sample_rate
            # The first sample at or after the start.
            first = -samples_between(rate, start_ns, self.time_ns)
            last = -samples_between(rate, end_ns, self.time_ns)
            data[name] = samples[first:last]
        return SeriesBlock(start_ns, data, self.channels, end_ns - start_ns, self.gap_reason)

    @classmethod
    def full_gap(
        cls, time_ns: int, duration_ns: int, channels: Iterable[Channel], reason: Optional[str] = None
    ) -> "SeriesBlock":
        """A block without any sample: all are masked."""
        by_name = {channel.name: channel for channel in channels}
        data = {
            name: numpy.ma.masked_all(
                samples_between(channel.sample_rate, time_ns, time_ns + duration_ns), dtype=channel.dtype
            )
            for name, channel in by_name.items()
        }
        return cls(time_ns, data, by_name, duration_ns, reason)


def concatenate_blocks(*blocks: SeriesBlock) -> SeriesBlock:
    """One block of several that follow each other without a gap. Raises ValueError for others."""
    if not blocks:
        raise ValueError("no blocks to concatenate")
    first = blocks[0]
    end_ns = first.time_ns
    for block in blocks:
        if block.data.keys() != first.data.keys():
            raise ValueError("the blocks have different channels")
        if block.time_ns != end_ns:
            raise ValueError(f"a block begins at {block.time_ns} GPS ns, not at {end_ns}, where the one before it ends")
        end_ns = block.end_ns
    data = {}
    for name in first.data:
        parts = [block.data[name] for block in blocks]
        is_masked = any(isinstance(part, numpy.ma.MaskedArray) for part in parts)
        data[name] = numpy.ma.concatenate(parts) if is_masked else numpy.concatenate(parts)
    return SeriesBlock(first.time_ns, data, first.channels, end_ns - first.time_ns)
