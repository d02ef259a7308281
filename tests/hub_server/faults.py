"""Faults that a test asks for: which request, and what goes wrong with it."""

import re
import threading
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["status", "no answer", "cut download", "cut upload", "slow", "lost answer"]


@dataclass
class Fault:
    """What goes wrong, and with which request.

    Attributes:
        kind: `status` answers with a status, and nothing else happens; `no answer` closes the connection before the
            request is carried out; `cut upload` closes it when half of the body has come; `cut download` closes it
            when half of the answer's body has been sent; `slow` waits, then goes on as usual; `lost answer` carries
            the request out and closes the connection instead of answering.
        method: of the requests that are meant; any, where empty.
        path: pattern that is searched for in the path without its quoting; any, where empty.
        place: which of the matching requests, counted from 1 and from the moment the fault is asked for; None: each.
        status: for the kind `status`.
        retry_after: seconds that the answer tells the client to wait.
        seconds: for the kind `slow`.
        fired: how often it went wrong so far.
    """

    kind: Kind
    method: str = ""
    path: str = ""
    place: int | None = 1
    status: int = 500
    retry_after: int | None = None
    seconds: float = 0.0
    fired: int = 0
    _seen: int = field(default=0, repr=False)

    def strikes(self, method: str, path: str) -> bool:
        """Return whether it is this request's turn; each call counts."""
        if self.method not in {"", method} or not re.search(self.path, path):
            return False
        self._seen += 1
        return self.place in {None, self._seen}


class Faults(list[Fault]):
    """The faults of a server; the first whose turn it is strikes."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def find(self, method: str, path: str) -> Fault | None:
        """Return what goes wrong with a request; all faults count it."""
        with self._lock:
            struck = [fault for fault in self if fault.strikes(method, path)]
            if not struck:
                return None
            struck[0].fired += 1
            return struck[0]
