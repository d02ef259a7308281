"""What one process does for all, where `accelerate launch` started several.

Called after `TrainingArguments` were made, which set the processes up. With a single one everything is a plain call.
"""

import os
from collections.abc import Callable
from typing import TypeVar

from hf_newscls.errors import NewsclsError

__all__ = ["is_main_rank", "run_on_main"]

Result = TypeVar("Result")


def is_main_rank() -> bool:
    """Tell whether this is the process that prints; asks the launcher's environment, so torch need not be loaded."""
    # torch_xla's launcher sets a variable of its own.
    return os.environ.get("RANK", os.environ.get("PJRT_LOCAL_PROCESS_RANK", "0")) == "0"


def run_on_main(function: Callable[[], Result]) -> Result:
    """Call a function in the main process and return its result in all of them; the others wait.

    Raises:
        NewsclsError: what the function raised, in every process.
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
    return outcome[0]  # type: ignore[return-value] # it is what the function returned in the main process
