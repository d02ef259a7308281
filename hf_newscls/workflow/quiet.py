"""Keep the progress bars and notes of other libraries off the screen."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_datasets() -> Iterator[None]:
    """Hide the progress bars of datasets, unless HF_DATASETS_DISABLE_PROGRESS_BARS says what to do."""
    import datasets

    hides = not (os.environ.get("HF_DATASETS_DISABLE_PROGRESS_BARS") or datasets.are_progress_bars_disabled())
    if hides:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        if hides:
            datasets.enable_progress_bars()


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Hide the progress bars of datasets and transformers, and the warnings of transformers.

    Downloads keep their bars. If TRANSFORMERS_VERBOSITY is set, it decides which messages of transformers are shown.
    """
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from transformers.utils import logging

    verbosity, had_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    # transformers turns the bars of downloads on and off together with its own.
    keep_downloads = disable_progress_bars if are_progress_bars_disabled() else enable_progress_bars
    if not os.environ.get("TRANSFORMERS_VERBOSITY"):
        logging.set_verbosity_error()
    if had_bars:
        logging.disable_progress_bar()
        keep_downloads()
    try:
        with quiet_datasets():
            yield
    finally:
        logging.set_verbosity(verbosity)
        if had_bars:
            logging.enable_progress_bar()
            keep_downloads()
