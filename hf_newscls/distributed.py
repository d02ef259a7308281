"""Work that the main process does for all processes that `accelerate launch` started."""

import os
from collections.abc import Callable
from typing import TypeVar

from hf_newscls.errors import NewsclsError

Result = TypeVar("Result")


def is_main_rank() -> bool:
    """Say whether this process prints. Reads only the environment, so that torch need not be loaded."""
    # torch_xla's launcher sets PJRT_LOCAL_PROCESS_RANK.
    return os.environ.get("RANK", os.environ.get("PJRT_LOCAL_PROCESS_RANK", "0")) == "0"


def run_on_main(function: Callable[[], Result]) -> Result:
    """Call a function in the main process and return its result in every process; the others wait.

    Call it after `TrainingArguments` were built: they connect the processes.

    Raises:
        NewsclsError: the function's own, raised in every process.
    """
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list

    state = PartialState()
    if state.num_processes == 1:
        return function()
    outcome: list[object] = [None, None]
    if state.is_main_process:
        try:
            outcome[0] = function()
        except NewsclsError as error:
            outcome[1] = error
    broadcast_object_list(outcome)
    if isinstance(outcome[1], NewsclsError):
        raise outcome[1]
    return outcome[0]  # type: ignore[return-value] # broadcast as object
