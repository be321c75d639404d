"""Live and past time series from Qanat, as numpy arrays.

>>> from qanat_client import Client
>>> block = Client("http://127.0.0.1:8080").fetch(["H1:QANAT-SINE_F32_16"], start=-10, duration=5)
>>> block["H1:QANAT-SINE_F32_16"].array
"""

from .channel import Channel
from .client import Client
from .errors import GapError, QanatError, RangeNotAvailableError, RequestError, StreamError
from .series import Series, SeriesBlock, concatenate_blocks

__all__ = [
    "Channel",
    "Client",
    "GapError",
    "QanatError",
    "RangeNotAvailableError",
    "RequestError",
    "Series",
    "SeriesBlock",
    "StreamError",
    "concatenate_blocks",
]
