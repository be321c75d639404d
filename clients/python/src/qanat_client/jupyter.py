"""A live plot in a notebook. Needs ``pip install 'qanat-client[jupyter]'``.

>>> from qanat_client.jupyter import LivePlot
>>> LivePlot("H1:QANAT-SINE_F32_16", url="http://127.0.0.1:8080")

The browser reads from the server by itself, so the server must allow the notebook's page (``--cors-origin``). The kernel
only says what to show. Invariant: no trait has a token, since Jupyter saves all traits in the notebook.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from pathlib import Path
from typing import Any, Iterable, List, Optional, Union

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise ImportError("a live plot needs anywidget: pip install 'qanat-client[jupyter]'") from error

from .client import NameLike, names_of
from .connection import Connection
from .errors import QanatError

SECONDS_MIN = 1.0
SECONDS_MAX = 86_400.0
CHANNELS_MAX = 32

#: The modules of the widget, each after those that it imports.
_MODULES = ("columns.js", "drawing.js", "panels.js", "server.js", "live_plot.js")
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.MULTILINE)
#: Plots with the same token have the same name for it, which says nothing about the token.
_SECRET = secrets.token_bytes(32)


def _joined() -> str:
    """One module of all, since a widget has one."""
    folder = Path(__file__).parent / "widget"
    return "".join(_IMPORT.sub("", (folder / name).read_text(encoding="utf-8")) for name in _MODULES)


class LivePlot(anywidget.AnyWidget):
    """Live plot of one or more channels, in a notebook.

    Parameters
    ----------
    channels
        A channel, or up to 32, by name.
    seconds
        Time that is shown, 1 to 86,400 s. Above 120 s the plot has minimum and maximum of bins of 1 s or more.
    url
        Address of the server, as the browser reaches it; the variable ``QANAT_URL``, else ``http://127.0.0.1:8080``.
    token, token_file
        As for :class:`qanat_client.Client`. The browser asks the kernel for the token before each request; it is never
        saved in the notebook.

    ``plot.channels``, ``plot.seconds`` and ``plot.paused`` can be assigned to, and ``plot.close()`` removes the plot.
    While it is paused or removed, it has no connection to the server.
    """

    _esm = _joined()

    url = traitlets.Unicode(read_only=True).tag(sync=True)
    channels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    seconds = traitlets.Float().tag(sync=True)
    paused = traitlets.Bool(False).tag(sync=True)
    #: Names the token; empty where there is none.
    _credential = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        channels: Union[NameLike, Iterable[NameLike]],
        *,
        seconds: float = 10.0,
        url: Optional[str] = None,
        token: Optional[str] = None,
        token_file: Union[str, Path, None] = None,
    ) -> None:
        connection = Connection(url, token=token, token_file=token_file, cafile=None)
        self._connection = connection
        self._token_name = _name_of(token, token_file)
        super().__init__(channels=names_of(channels), seconds=seconds)
        self.on_msg(self._answer)

    @traitlets.default("url")
    def _default_url(self) -> str:
        return self._connection.url

    @traitlets.default("_credential")
    def _default_credential(self) -> str:
        return self._token_name if self._has_token() else ""

    @traitlets.validate("channels")
    def _check_channels(self, proposal: Any) -> List[str]:
        names: List[str] = proposal["value"]
        if not 0 < len(names) <= CHANNELS_MAX:
            raise traitlets.TraitError(f"give 1 to {CHANNELS_MAX} channels, not {len(names)}")
        return names

    @traitlets.validate("seconds")
    def _check_seconds(self, proposal: Any) -> float:
        seconds: float = proposal["value"]
        if not SECONDS_MIN <= seconds <= SECONDS_MAX:
            raise traitlets.TraitError(f"seconds must be {SECONDS_MIN:g} to {SECONDS_MAX:g}, not {seconds:g}")
        return seconds

    def _has_token(self) -> bool:
        try:
            return bool(self._connection.current_token())
        except QanatError:
            return True  # The file may be there later; until then the plot shows the error.

    def _answer(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Gives the browser a token, or says why there is none."""
        if not isinstance(content, dict) or content.get("kind") != "token":
            return
        answer = {"kind": "token", "number": content.get("number")}
        try:
            answer["token"] = self._connection.current_token() or ""
        except QanatError as error:
            answer["error"] = str(error)
        self.send(answer)


def _name_of(token: Optional[str], token_file: Union[str, Path, None]) -> str:
    key = repr((token, None if token_file is None else str(token_file)))
    return hmac.new(_SECRET, key.encode(), hashlib.sha256).hexdigest()[:16]
