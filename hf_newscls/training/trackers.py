"""Give the trackers of `report_to` what the integrations of transformers leave out: the recipe and the results.

The integrations open the runs, log the training, and close the runs when it ends; the test scores come later.
Other trackers than the four here only have what their integration logs.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.integrations.integration_utils import TensorBoardCallback

from hf_newscls.recipe.recipe import Recipe

logger = logging.getLogger(__name__)

Config = Mapping[str, Any]
"""The recipe as plain values, and the fingerprint of the split."""


class TrackedRun:
    """The run of a training in each of its trackers."""

    def __init__(self, arguments: TrainingArguments, recipe: Recipe, *, fingerprint: str, folder: Path) -> None:
        """Set the name of the run in the arguments, and take TensorBoard over from them.

        Args:
            arguments: of the Trainer; `report_to` and `run_name` are changed.
            recipe: of the run.
            fingerprint: of the split.
            folder: the run folder; the logs of TensorBoard go to its folder `tensorboard`.
        """
        names = [*(arguments.report_to or ())]
        arguments.run_name = arguments.run_name or f"{recipe.name}-{folder.name}"
        config = {"recipe": recipe.model_dump(mode="json"), "split_fingerprint": fingerprint}
        self._trackers: list[Tracker] = [_TRACKERS[name](arguments, config) for name in names if name in _TRACKERS]
        self.callbacks: list[TrainerCallback] = []
        if "tensorboard" in names:
            # By default, the integration writes to the checkpoints.
            integration = TensorBoardCallback()
            integration.logging_dir = integration.logging_dir or str(folder / "tensorboard")
            self._trackers.append(_TensorBoard(Path(integration.logging_dir), config))
            self.callbacks.append(integration)
            arguments.report_to = [name for name in names if name != "tensorboard"]
        # Last, when all runs are open.
        self.callbacks.append(_ConfigCallback(self._trackers))

    def log_results(self, scores: Mapping[str, float], figures: Sequence[Path], *, step: int) -> None:
        """Log the scores on the test set, and PNG files, at the last step of the training.

        A tracker that fails is logged, because the run is finished: if the command failed, it would train again.
        """
        named = {f"test/{name}": score for name, score in scores.items()}
        for tracker in self._trackers:
            try:
                tracker.log_results(named, figures, step=step)
            except Exception as error:  # of the tracker's library, which can be any
                logger.warning("the test scores are not in %s: %s", type(tracker).__name__.strip("_"), error)


class Tracker(Protocol):
    """One of the supported trackers."""

    def add_config(self) -> None:
        """Add the config to the run that the integration has opened."""

    def log_results(self, scores: Mapping[str, float], figures: Sequence[Path], *, step: int) -> None:
        """Add scores and figures to the run after the integration has closed it."""


class _ConfigCallback(TrainerCallback):
    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._trackers = trackers

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Add the config in the main process."""
        for tracker in self._trackers if state.is_world_process_zero else ():
            tracker.add_config()


class _Trackio:
    def __init__(self, arguments: TrainingArguments, config: Config) -> None:
        self._arguments, self._config = arguments, config

    def add_config(self) -> None:
        """Add the config next to that of the integration."""
        import trackio

        trackio.config.update(self._config, allow_val_change=True)
        # With what the integration has put in, but without the keys of Trackio.
        self._config = {key: value for key, value in trackio.config.items() if not key.startswith("_")}

    def log_results(self, scores: Mapping[str, float], figures: Sequence[Path], *, step: int) -> None:
        """Open the run again, and add scores and figures."""
        import trackio

        arguments = self._arguments
        run = trackio.init(
            project=arguments.project,
            name=arguments.run_name,
            space_id=arguments.trackio_space_id,
            bucket_id=arguments.trackio_bucket_id,
            private=arguments.hub_private_repo,
            config=self._config,  # replaces the one of the run
            resume="allow",
        )
        images = {f"figures/{path.stem}": trackio.Image(path) for path in figures}
        run.log({**scores, **images, "train/global_step": step})
        run.finish()


class _Wandb:
    def __init__(self, arguments: TrainingArguments, config: Config) -> None:
        self._arguments, self._config = arguments, config

    def add_config(self) -> None:
        """Add the config next to that of the integration."""
        import wandb

        wandb.config.update(self._config, allow_val_change=True)

    def log_results(self, scores: Mapping[str, float], figures: Sequence[Path], *, step: int) -> None:
        """Add scores and figures to the open run, or to a new one, and close it."""
        import wandb

        # The integration leaves its run open; there is none if only the evaluation was missing.
        project = os.environ.get("WANDB_PROJECT", "huggingface")
        run = wandb.run or wandb.init(project=project, name=self._arguments.run_name)
        images = {f"figures/{path.stem}": wandb.Image(str(path)) for path in figures}
        run.log({**scores, **images, "train/global_step": step})
        run.finish()


class _MLflow:
    def __init__(self, arguments: TrainingArguments, config: Config) -> None:
        self._arguments, self._config = arguments, config
        self._run_id: str | None = None

    def add_config(self) -> None:
        """Log the fingerprint as a parameter, and the recipe as a file."""
        import mlflow

        mlflow.log_param("split_fingerprint", self._config["split_fingerprint"])
        mlflow.log_dict(self._config["recipe"], "recipe.yaml")
        self._run_id = mlflow.active_run().info.run_id

    def log_results(self, scores: Mapping[str, float], figures: Sequence[Path], *, step: int) -> None:
        """Open the run again, or a new one if only the evaluation was missing; add scores, and figures as its files."""
        import mlflow

        with mlflow.start_run(run_id=self._run_id, run_name=self._arguments.run_name):
            mlflow.log_metrics(dict(scores), step=step)
            for path in figures:
                mlflow.log_artifact(str(path), "figures")


class _TensorBoard:
    def __init__(self, folder: Path, config: Config) -> None:
        self._folder, self._config = folder, config

    def add_config(self) -> None:
        """Write the config as texts."""
        with self._open() as writer:
            writer.add_text("split_fingerprint", self._config["split_fingerprint"])
            for section, value in self._config["recipe"].items():
                writer.add_text(f"recipe/{section}", f"    {value}")

    def log_results(self, scores: Mapping[str, float], figures: Sequence[Path], *, step: int) -> None:
        """Write scores as scalars, figures as images."""
        with self._open() as writer:
            for name, value in scores.items():
                writer.add_scalar(name, value, step)
            for path in figures:
                image = np.asarray(Image.open(path).convert("RGB"))
                writer.add_image(f"figures/{path.stem}", image, step, dataformats="HWC")

    def _open(self) -> Any:
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(log_dir=str(self._folder))


_TRACKERS: Mapping[str, Callable[[TrainingArguments, Config], Tracker]] = {
    "trackio": _Trackio,
    "wandb": _Wandb,
    "mlflow": _MLflow,
}
