"""What can go wrong, as exceptions. All are :class:`QanatError`."""

from __future__ import annotations

from typing import Any, Mapping, Optional


class QanatError(Exception):
    """Base class of all errors of this package."""


class RequestError(QanatError):
    """The server refused a request. The text says what was wrong and what would be right."""

    #: Status of HTTP.
    status: int
    #: The problem document of the answer (RFC 9457); empty when the answer had none.
    problem: Mapping[str, Any]
    #: Stable name of the problem, such as "unknown_channel"; None where the answer had none.
    code: Optional[str]
    #: Seconds after which the server suggests another attempt; None where it suggests none.
    retry_after_s: Optional[float] = None

    def __init__(self, status: int, problem: Mapping[str, Any], text: str = "") -> None:
        title = problem.get("title") or text or "no explanation"
        detail = problem.get("detail")
        super().__init__(f"{status} {title}: {detail}" if detail else f"{status} {title}")
        self.status = status
        self.problem = problem
        code = problem.get("code")
        self.code = code if isinstance(code, str) else None


class RangeNotAvailableError(RequestError):
    """The whole range is older than the oldest data of its channels."""

    #: The oldest time that has data, GPS ns; None where the server does not say it.
    available_from_ns: Optional[int]

    def __init__(self, status: int, problem: Mapping[str, Any], text: str = "") -> None:
        super().__init__(status, problem, text)
        oldest = problem.get("available_from_ns")
        self.available_from_ns = int(oldest) if isinstance(oldest, str) and oldest.isdigit() else None


class StreamError(QanatError):
    """A stream ended before its range did, and another attempt would not help or did not."""

    #: The end reason of the server (see docs/protocol.md), or "connection".
    reason: str

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class GapError(QanatError):
    """Data is missing, and the caller asked to know (`on_gap="raise"`)."""

    #: Start and end of the missing span, GPS ns.
    start_ns: int
    end_ns: int
    #: Why, as the server reports it; None where only some channels are missing.
    reason: Optional[str]

    def __init__(self, start_ns: int, end_ns: int, reason: Optional[str]) -> None:
        why = f" ({reason})" if reason else ""
        super().__init__(f"no data from {start_ns} to {end_ns} GPS ns{why}")
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.reason = reason
