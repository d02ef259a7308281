"""Faults for tests: which request fails, and how."""

import re
import threading
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["status", "no answer", "cut download", "cut upload", "slow", "lost answer"]


@dataclass
class Fault:
    """What goes wrong, and with which request.

    Attributes:
        kind: `status` answers with a status and does nothing else; `no answer` closes the connection before the request
            is handled; `cut upload` closes it after half of the request's body; `cut download` closes it after half
            of the response's body; `slow` waits first; `lost answer` handles the request, then closes the connection
            without a response.
        method: of the request; empty for any.
        path: a pattern, searched for in the unquoted path; empty for any.
        index: which of the matching requests fails, counted from 1 since the fault was added; None for all.
        status: for the kind `status`.
        retry_after: seconds for the header Retry-After.
        seconds: for the kind `slow`.
        fired: how often it has happened.
    """

    kind: Kind
    method: str = ""
    path: str = ""
    index: int | None = 1
    status: int = 500
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
