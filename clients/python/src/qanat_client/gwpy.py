"""Qanat as a source of gwpy. Importing this module registers it:

>>> import qanat_client.gwpy
>>> from gwpy.timeseries import TimeSeries
>>> TimeSeries.get("H1:QANAT-SINE_F32_16", 1479773372, 1479773382, source="qanat", url="http://127.0.0.1:8080")
"""

from __future__ import annotations

import os
from typing import Any, Iterable, Iterator, List, Optional

from gwpy.detector.units import parse_unit
from gwpy.time import to_gps
from gwpy.timeseries import StateVector, StateVectorDict, TimeSeries, TimeSeriesDict

from .client import Client
from .errors import GapError
from .series import NS_PER_S, Series, SeriesBlock
from .streaming import TimeLike, seconds_text


def fetch_dict(
    channels: Iterable[Any],
    start: Any,
    end: Any,
    *,
    client: Optional[Client] = None,
    url: Optional[str] = None,
    pad: Optional[float] = None,
    series_class: Any = TimeSeries,
    **kwargs: Any,
) -> Any:
    """Series of several channels, by name. `start` and `end`: what :func:`gwpy.time.to_gps` takes.

    Missing samples get the value `pad`; without it they raise :class:`qanat_client.GapError`. Other arguments go to
    :meth:`qanat_client.Client.fetch`.
    """
    names = {str(channel): channel for channel in channels}
    kwargs.setdefault("on_gap", "raise" if pad is None else "fill")
    block = (client or Client(url)).fetch(list(names), _text_of(start), _text_of(end), **kwargs)
    result = series_class.DictClass()
    for name, series in block.items():
        result[names[name]] = _gwpy_series(series, pad, series_class)
    return result


def fetch_one(channel: Any, start: Any, end: Any, **kwargs: Any) -> Any:
    """Series of one channel; see :func:`fetch_dict`."""
    return next(iter(fetch_dict([channel], start, end, **kwargs).values()))


def stream(
    channels: Iterable[Any],
    *,
    client: Optional[Client] = None,
    url: Optional[str] = None,
    pad: float = float("nan"),
    start: Optional[TimeLike] = None,
    duration: Optional[float] = None,
) -> Iterator[TimeSeriesDict]:
    """Live data: a dict of series for each block, in order of time and without a hole.

    Missing samples get the value `pad`; of integers, 0.
    """
    names = [str(channel) for channel in channels]
    for block in (client or Client(url)).stream(names, start, duration=duration):
        yield _gwpy_dict(block, pad)


def _gwpy_dict(block: SeriesBlock, pad: float) -> TimeSeriesDict:
    result = TimeSeriesDict()
    for name, series in block.items():
        is_float = series.dtype.kind == "f"
        result[name] = _gwpy_series(series, pad if is_float else 0, TimeSeries)
    return result


def _gwpy_series(series: Series, pad: Optional[float], series_class: Any) -> Any:
    data = series.data
    if series.has_gaps:
        if pad is None:
            raise GapError(series.time_ns, series.time_ns + series.duration_ns, None)
        data = data.filled(pad)
    return series_class(
        data.data if hasattr(data, "mask") else data,
        t0=to_gps(seconds_text(series.time_ns)),
        sample_rate=series.sample_rate,
        # The bits of a state vector have no unit, and it refuses one.
        unit=None if issubclass(series_class, StateVector) else _unit_of(series.unit),
        name=series.name,
        channel=series.name,
    )


def _unit_of(text: Optional[str]) -> Any:
    """The unit as astropy has it: known, or a new one of this name; None where none is noted."""
    return None if text is None else parse_unit(text, parse_strict="silent")


def _text_of(time: Any) -> str:
    """GPS seconds of what gwpy takes for a time. Those before 0 are refused: the server would take them as before now."""
    gps = to_gps(time)
    if gps < 0:
        raise ValueError(f"{time!r} is before GPS time 0 (1980-01-06T00:00:00Z), the earliest time")
    return seconds_text(gps.gpsSeconds * NS_PER_S + gps.gpsNanoSeconds)


def _identify(
    origin: str, *_args: Any, client: Any = None, url: Optional[str] = None, **_kwargs: Any
) -> "Optional[List[dict[str, Any]]]":
    """Says that Qanat can serve a ``get`` that names it, by a client, an address of HTTP or QANAT_URL."""
    if origin != "get":
        return None
    if isinstance(client, Client):
        return [{"client": client, "priority": 1}]
    if client is not None:
        return []
    address = url or os.environ.get("QANAT_URL")
    if address is None or not address.startswith(("http://", "https://")):
        return []
    # Before Arrakis's own client (10), which takes any address for one of its servers.
    return [{"url": address, "priority": 9}]


def _register() -> None:
    for class_, fetch in (
        (TimeSeries, fetch_one),
        (StateVector, fetch_one),
        (TimeSeriesDict, fetch_dict),
        (StateVectorDict, fetch_dict),
    ):
        class_.get.registry.register_identifier("qanat", class_, _identify, force=True)
        class_.get.registry.register_reader("qanat", class_, fetch, force=True)


_register()

__all__ = ["fetch_dict", "fetch_one", "stream"]
