"""Run the app on this machine, as the Space runs it."""

import importlib.util
import os
import runpy
from pathlib import Path
from tempfile import TemporaryDirectory

from hf_newscls.demo.files import APP_FILE
from hf_newscls.errors import InputError


def check_gradio() -> None:
    """Check that gradio is installed.

    Raises:
        InputError: it is not.
    """
    if importlib.util.find_spec("gradio") is None:
        raise InputError("demo: no module 'gradio' is installed; run `pip install 'hf-newscls[demo]'`")


def serve_app(app: str) -> None:
    """Run the app on 127.0.0.1, on the first free port from 7860 on, until the process is stopped."""
    # gradio reads these when it is imported and started.
    os.environ |= {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_ANALYTICS_ENABLED": "False"}
    with TemporaryDirectory() as folder:
        path = Path(folder) / APP_FILE
        path.write_text(app, encoding="utf-8")
        runpy.run_path(str(path), run_name="__main__")
