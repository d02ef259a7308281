"""Check before any work that the data and the encoder of a recipe are on this machine, or can be fetched.

Libraries that fetch try again for up to a minute. This module sends one request to each server, all in parallel, and
waits a few seconds. It imports nothing slow.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, build_opener, getproxies

from hf_newscls.errors import InputError, ModelError, SourceError, shorten_text
from hf_newscls.files import is_local_address
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.lookup import find_recipes
from hf_newscls.recipe.recipe import Recipe

_SECONDS = 3.0
_PACKAGED = "model_name_or_path: package:"


@dataclass(frozen=True)
class _Missing:
    """What is not on this machine."""

    kind: type[InputError]  # the error if it cannot be fetched
    what: str
    server: str  # has it
    by_hand: str  # how to get it otherwise


def check_availability(recipe: Recipe) -> None:
    """Refuse a recipe whose data or encoder is neither here nor on a server that can be reached; name the ways on.

    Raises:
        SourceError: the data is missing, and perhaps the encoder too.
        ModelError: the encoder is missing.
    """
    missing = [*_find_missing_data(recipe), *_find_missing_encoder(recipe)]
    reasons = _ask({one.server for one in missing})
    lost = [one for one in missing if one.server in reasons]
    if not lost:
        return
    lines = [f"{one.what} is not on this machine, and {reasons[one.server]}; {one.by_hand}" for one in lost]
    other = find_cpu_recipe(recipe) if any(one.kind is ModelError for one in lost) else None
    if other:
        lines.append(f"recipe {other}: for the same data, with an encoder from a package; make train RECIPE={other}")
    raise lost[0].kind("\n  ".join([f"{recipe.name}: cannot be trained here now", *lines]))


def find_cpu_recipe(recipe: Recipe) -> str | None:
    """Return the name of the first recipe for the same data whose encoder comes in a package; None if there is none.

    >>> find_cpu_recipe(read_recipe("fake_news_roberta"))
    'fake_news_minilm'
    """
    own = recipe.data.dataset_id or recipe.data.source
    for name, path in find_recipes().items():
        if name != recipe.name and _PACKAGED in path.read_text(encoding="utf-8"):  # reading all takes seconds
            data = read_recipe(name).data
            if own == (data.dataset_id or data.source):
                return name
    return None


def _find_missing_data(recipe: Recipe) -> Iterator[_Missing]:
    from hf_newscls.data.sources import hub, kaggle

    for address in recipe.data.sources:
        if address.startswith(kaggle.KAGGLE_SCHEME) and not kaggle.is_fetched(address):
            yield _Missing(SourceError, address, kaggle.SERVER, kaggle.describe_download(address))
        elif address.startswith(hub.HUB_SCHEME) and not hub.is_fetched(address):
            yield _Missing(SourceError, address, _name_hub(), f"download it elsewhere, and {hub.PASS_THE_PATH}")


def _find_missing_encoder(recipe: Recipe) -> Iterator[_Missing]:
    from hf_newscls.modeling.sources.fetch import find_model, is_fetched

    address = recipe.model.model_name_or_path
    if is_local_address(address):
        find_model(address)
    elif not (Path(address).is_dir() or is_fetched(recipe.model)):
        folder = address.rpartition("/")[2]
        by_hand = (
            f"with a network, run `hf download {address} --local-dir {folder}`, copy the folder here, and add "
            f"model.model_name_or_path=./{folder} (make: ARGS=model.model_name_or_path=./{folder})"
        )
        yield _Missing(ModelError, address, _name_hub(), by_hand)


def _name_hub() -> str:
    from huggingface_hub import constants

    return "" if constants.HF_HUB_OFFLINE else constants.ENDPOINT


def _ask(servers: Iterable[str]) -> dict[str, str]:
    """Return for each server that cannot be reached the reason."""
    reasons = {"": "HF_HUB_OFFLINE is set"}
    if "all" in getproxies():  # urllib ignores ALL_PROXY, the libraries that fetch obey it
        return reasons

    def ask(server: str) -> None:
        """Keep the reason why a server cannot be reached."""
        if reason := _request(server):
            reasons[server] = f"{server} cannot be reached ({reason})"

    # Threads, because the lookup of a name has no time limit of its own.
    asking = [threading.Thread(target=ask, args=(server,), daemon=True) for server in servers if server]
    for thread in asking:
        thread.start()
    end = time.monotonic() + _SECONDS
    for thread in asking:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(reasons)


def _request(server: str) -> str | None:
    """Return why there is certainly no way to the server, or None: a slow or odd answer is for the library to judge."""
    try:
        build_opener().open(Request(server, method="HEAD"), timeout=_SECONDS).close()
    except URLError as error:
        if isinstance(error.reason, ConnectionRefusedError | socket.gaierror):
            return shorten_text(error.reason)
    except (OSError, ValueError, HTTPException):
        return None
    return None
