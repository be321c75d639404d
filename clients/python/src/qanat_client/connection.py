"""Requests to Qanat: the address, the token, errors as exceptions."""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union

from .errors import QanatError, RangeNotAvailableError, RequestError

URL_DEFAULT = "http://127.0.0.1:8080"
#: The server sends something every 15 s; a connection that is silent for longer than this is broken.
SILENCE_MAX_S = 60.0
#: Longest address of a GET; longer ones are sent as a POST.
URL_LENGTH_MAX = 2_000
#: Most bytes that are read of an error answer.
ERROR_BYTES_MAX = 65_536
#: What a header can hold; a token has nothing else.
TOKEN = re.compile(r"[\x21-\x7e]*")

Query = Mapping[str, Union[str, List[str], None]]


class Connection:
    """Where and as whom requests are sent. Keeps nothing between requests but this."""

    def __init__(
        self,
        url: Optional[str],
        *,
        token: Optional[str],
        token_file: Union[str, Path, None],
        cafile: Union[str, Path, None],
    ) -> None:
        self.url = (url or os.environ.get("QANAT_URL") or URL_DEFAULT).rstrip("/")
        scheme, place, *_ = urllib.parse.urlsplit(self.url)
        # It may have a password, so the error does not show it; and a notebook saves it.
        if "@" in place:
            raise ValueError("give the token as token= or token_file=; the address must not have a user or a password")
        if scheme not in ("http", "https"):
            raise ValueError(f"the address must begin with http:// or https://, not {self.url!r}")
        if token is not None and token_file is not None:
            raise ValueError("give token or token_file, not both")
        self._token = token
        self._token_file = token_file
        handlers: List[urllib.request.BaseHandler] = [_Redirects()]
        if scheme == "https":
            context = ssl.create_default_context(cafile=str(cafile) if cafile else None)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def json(self, path: str, query: Query) -> Any:
        """The JSON document of an address. Raises :class:`QanatError` where there is another document."""
        with self.open(path, query) as answer:
            try:
                return json.load(answer)
            except ValueError:
                raise QanatError(f"{answer.geturl()} does not answer with JSON: {self.url} is not the address of Qanat") from None

    def open(
        self, path: str, query: Query, *, can_post: bool = False, accept: Optional[str] = None
    ) -> http.client.HTTPResponse:
        """Sends a request. Raises :class:`RequestError` when it is refused, OSError when there is no answer."""
        given = {name: value for name, value in query.items() if value is not None}
        url = f"{self.url}{path}?{_query_text(given)}" if given else f"{self.url}{path}"
        body = None
        headers = self._headers()
        if accept is not None:
            headers["Accept"] = accept
        if can_post and (len(url) > URL_LENGTH_MAX or any("," in name for name in given.get("channels", []))):
            url = f"{self.url}{path}"
            body = json.dumps(given).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data=body, headers=headers)
        try:
            answer: http.client.HTTPResponse = self._opener.open(request, timeout=SILENCE_MAX_S)
            return answer
        except urllib.error.HTTPError as refusal:
            raise _error_of(refusal) from None

    def _headers(self) -> Dict[str, str]:
        headers = {"User-Agent": "qanat-client"}
        token = self.current_token()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def current_token(self) -> Optional[str]:
        """The token, None for none; a file is read again for each request, since tokens expire."""
        token = self._token if self._token is not None else os.environ.get("QANAT_TOKEN")
        if self._token_file is not None:
            try:
                token = Path(self._token_file).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise QanatError(f"the file with the token cannot be read: {error}") from error
        if token is None:
            return None
        token = token.strip()
        # The error of http.client would show it.
        if not TOKEN.fullmatch(token):
            raise QanatError("the token has a space, a line break or another character that tokens do not have")
        return token


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects; urllib alone would send the token on to any server."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Optional[urllib.request.Request]:
        here, there = (urllib.parse.urlsplit(url) for url in (req.full_url, newurl))
        if req.has_header("Authorization") and (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise QanatError(
                f"{here.scheme}://{here.netloc} sends the request on to {there.scheme}://{there.netloc}, which does not"
                " get the token: give that address if it is right"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _query_text(query: Mapping[str, Union[str, List[str]]]) -> str:
    """A query; lists are joined by commas."""
    return urllib.parse.urlencode(
        {name: value if isinstance(value, str) else ",".join(value) for name, value in query.items()}, safe=",:"
    )


def _error_of(refusal: urllib.error.HTTPError) -> RequestError:
    with refusal:
        text = refusal.read(ERROR_BYTES_MAX)
        try:
            problem = json.loads(text)
        except ValueError:
            problem = None
    if not isinstance(problem, dict):
        problem = {}
    is_outside = problem.get("code") == "range_not_available"
    error_class = RangeNotAvailableError if is_outside else RequestError
    error = error_class(refusal.code, problem, refusal.reason)
    wait = refusal.headers.get("retry-after", "")
    error.retry_after_s = float(wait) if re.fullmatch("[0-9]{1,9}", wait) else None
    return error
