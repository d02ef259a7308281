"""Serve a page on which a model can be tried."""

from __future__ import annotations

from pathlib import Path

from hf_newscls.workflow.model_address import find_model_address
from hf_newscls.workflow.run import Run


def demo(model: Run | str | Path, *, runs_dir: str | Path = "runs") -> None:
    """Serve the page that `publish(space=True)` pushes, on 127.0.0.1, until the process is stopped.

    Args:
        model: a run, a run folder, a model folder, a Hub id, or the name or path of a recipe, for its latest run.
        runs_dir: where the run folders are.

    Raises:
        InputError: gradio is not installed, or captum, if the recipe sets `hub.explain`.
        RunError: the recipe has no finished run.
        ModelError: the model cannot be loaded.
    """
    from hf_newscls.demo.files import render_app
    from hf_newscls.demo.serving import check_gradio, serve_app
    from hf_newscls.demo.settings import read_settings
    from hf_newscls.inference.attribution import check_captum
    from hf_newscls.modeling.sources.fetch import find_model

    check_gradio()
    address = find_model_address(model, runs_dir=runs_dir)
    # The app loads the model again, as in a Space; this says first what is wrong with it. It also registers our
    # classes, so that the app runs no code of a model.
    address.load()
    name = address.address
    folder = Path(name) if Path(name).is_dir() else find_model(name)
    settings = read_settings(folder, address.recipe, model=name)
    if settings.explain:
        check_captum()
    serve_app(render_app(settings))
