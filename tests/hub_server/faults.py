"""Faults for tests: which request fails, and how."""

import re
import threading
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "status",
    "redirect",
    "no answer",
    "reset",
    "cut upload",
    "lost answer",
    "cut head",
    "cut download",
    "half",
    "short length",
    "slow",
    "slow download",
]


@dataclass
class Fault:
    """What goes wrong, and with which request.

    Attributes:
        kind: The request is not handled: `status` answers with a status, unless `is_late`; `redirect` sends the
            client to a page that redirects to itself; `no answer` closes the connection, and `reset` resets it;
            `cut upload` closes it after half of the request's body.
            The request is handled: `lost answer` closes the connection without a response; `cut head` closes it in the
            middle of the response's headers, and `cut download` in the middle of its body; `half` sends half of the
            body as if it were all; `short length` sends all of it, and says in Content-Length that it is half;
            `slow` waits first; `slow download` sends the body in small parts, with waits.
        method: of the request; empty for any.
        path: a pattern, searched for in the unquoted path; empty for any.
        index: which of the matching requests fails, counted from 1 since the fault was added; None for all.
        status: for the kind `status`.
        page: for the kind `status`, what a gateway sends as HTML; None for an error of the Hub itself.
        is_late: for the kind `status`, whether the request is handled first.
        retry_after: seconds for the header Retry-After.
        seconds: how long a slow kind waits in all.
        fired: how often it has happened.
    """

    kind: Kind
    method: str = ""
    path: str = ""
    index: int | None = 1
    status: int = 500
    page: bytes | None = None
    is_late: bool = False
    retry_after: int | None = None
    seconds: float = 0.0
    fired: int = 0
    _seen: int = field(default=0, repr=False)

    def matches(self, method: str, path: str) -> bool:
        """Return whether this request fails; each call counts the request."""
        if self.method not in {"", method} or not re.search(self.path, path):
            return False
        self._seen += 1
        return self.index in {None, self._seen}


class Faults(list[Fault]):
    """The faults of a server; if several match a request, the first one is used."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def find(self, method: str, path: str) -> Fault | None:
        """Return the fault for a request; all faults count the request."""
        with self._lock:
            matching = [fault for fault in self if fault.matches(method, path)]
            if not matching:
                return None
            matching[0].fired += 1
            return matching[0]
