"""Stage 1 on cached features: the frozen part runs once, the head learns from what it gave.

In stage 1 the frozen part gives the same features for a row in every epoch, for it learns nothing and has no dropout.
So they are computed once, kept in a file mapped into memory, and looked up from then on; batches, order and losses are
those of a run that computes them anew in every step.

Shape letters: N rows, B batch, H hidden size, P kept vectors of a row: its first token and the pooler's output, or
those of its windows.
"""

import logging
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from datasets import Dataset
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_newscls.training.callbacks.frozen_part import FrozenPart

__all__ = ["ROW", "FeatureCacheCallback", "number_rows"]

ROW = "row"
"""Column with a row's place in the cache; the callback takes it out before the model sees it."""

_PROBE_ROWS = 4

logger = logging.getLogger(__name__)


def number_rows(*datasets: Dataset) -> list[Dataset]:
    """Return the datasets with their rows numbered through, for `FeatureCacheCallback`."""
    starts = np.cumsum([0, *map(len, datasets)])
    return [
        dataset.add_column(ROW, np.arange(start, start + len(dataset)))
        for dataset, start in zip(datasets, starts[:-1], strict=True)
    ]


class FeatureCacheCallback(TrainerCallback):
    """Let the head learn from cached features while the backbone is frozen.

    Works on one device or several of one or more hosts, and when a run is resumed in stage 1: the features are then
    computed anew. It must come after the `TwoStageFreezeCallback`. Where the head reads more of a text than its first
    token and the pooler's output, the callback says so and leaves the backbone to run in every step.

    Args:
        model: the model that is trained, not compiled.
        part: of it, that is frozen.
        datasets: tokenized rows that batches are made of, numbered by `number_rows`; training set first.
        collate: makes a padded batch of rows, and of rows without tokens one of a single token each.
        boundary_step: the first optimizer step of stage 2.
    """

    def __init__(
        self,
        model: nn.Module,
        part: FrozenPart,
        datasets: Sequence[Dataset],
        *,
        collate: Callable[[list[dict[str, Any]]], Mapping[str, Tensor]],
        boundary_step: int,
    ) -> None:
        self._model = model
        self._part = part
        self._datasets = datasets
        self._collate = collate
        self._boundary_step = boundary_step
        self._rows: Tensor | None = None
        self._is_cached = False
        # Stays for good: batches carry the numbers in stage 2 and in later evaluations too.
        model.register_forward_pre_hook(self._take_rows, with_kwargs=True)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Compute the features where training begins in stage 1."""
        self._restore()  # a training before may have ended in an error
        model = kwargs["model"]
        if state.global_step >= self._boundary_step:
            return
        autocast = _build_autocast(args)
        with _in_eval_mode(model), torch.no_grad(), autocast():
            if not self._reads_first_token_alone(model, args.device):
                logger.info(
                    "stage 1 runs without cached features: the head of %s reads more than a text's first token",
                    type(model).__name__,
                )
                return
            features = self._compute_features(args)
        self._is_cached = True
        self._part.substitute(lambda *inputs, **options: self._look_up(features, args.device, inputs, options))
        # The model's own walks all modules, which takes longer than the head's forward pass.
        self._model.__dict__["zero_grad"] = kwargs["optimizer"].zero_grad

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leave the tokens out of the batches of an epoch that lies wholly in stage 1: nobody reads them.

        Batches are made ahead of their steps, so an epoch with the boundary in it keeps them.
        """
        steps = math.ceil(len(kwargs["train_dataloader"]) / args.gradient_accumulation_steps)
        is_whole = self._is_cached and state.global_step + steps <= self._boundary_step
        self._datasets[0].set_format(columns=[ROW, "labels"] if is_whole and not args.dataloader_num_workers else None)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Let the backbone run again from the boundary on."""
        if state.global_step >= self._boundary_step:
            self._restore()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Let the backbone run again, even where training ended in stage 1."""
        self._restore()
        self._datasets[0].reset_format()

    def _take_rows(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        self._rows = kwargs.pop(ROW, None)
        return args, kwargs

    def _restore(self) -> None:
        self._part.restore()
        self._model.__dict__.pop("zero_grad", None)
        self._is_cached = False

    def _reads_first_token_alone(self, model: nn.Module, device: torch.device) -> bool:
        """Compare the logits of a few rows with those from what the cache would keep of the same computation."""
        batch = self._load_batch(range(min(_PROBE_ROWS, len(self._datasets[0]))), self._datasets[0], device)
        whole = model(**batch).logits
        part = self._part
        part.substitute(lambda *inputs, **options: part.unpack(part.pack(part.run(*inputs, **options))))
        try:
            cut = model(**batch).logits
        except (IndexError, RuntimeError, ValueError):  # a head that indexes or masks the other tokens
            return False
        finally:
            self._restore()
        return torch.allclose(whole, cut, rtol=1e-3, atol=1e-4)

    def _compute_features(self, args: TrainingArguments) -> "_Features":
        """Compute the features of all rows, each process of this host a share of them."""
        start = time.perf_counter()
        features = _Features(Path(str(args.output_dir)), sum(map(len, self._datasets)), self._measure(args.device))
        first = 0
        for dataset in self._datasets:
            for indices in _divide_rows(dataset, batch_size=args.per_device_eval_batch_size):
                batch = self._load_batch(indices, dataset, args.device)
                features.write(first + indices, self._part.pack(self._part.run(**batch)))
            first += len(dataset)
        features.complete()
        logger.info(
            "stage 1: features of %s rows computed once in %.1f s, %.1f MB",
            f"{first:,}",
            time.perf_counter() - start,
            features.megabytes,
        )
        return features

    def _measure(self, device: torch.device) -> Tensor:
        return self._part.pack(self._part.run(**self._load_batch([0], self._datasets[0], device)))[0]

    def _load_batch(self, indices: Any, dataset: Dataset, device: torch.device) -> dict[str, Tensor]:
        columns = dataset.remove_columns([ROW, "labels"])[[int(index) for index in indices]]
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        return {name: values.to(device) for name, values in self._collate(rows).items()}

    def _look_up(
        self, features: "_Features", device: torch.device, inputs: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if self._rows is None:  # rows that have no number, as in a prediction
            return self._part.run(*inputs, **options)
        return self._part.unpack(features.read(self._rows).to(device))


class _Features:
    """Features (N, P, H) in a file mapped into memory, which the processes of a host share.

    The system keeps in memory what is used and there is room for. The file has no name any more once it is complete,
    so nothing of it is left behind even by a process that is killed.

    Args:
        folder: where the file is made.
        rows: N.
        example: features (P, H) of a row, for their shape and type.
    """

    def __init__(self, folder: Path, rows: int, example: Tensor) -> None:
        state = PartialState()
        host = state.process_index // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        self._path = folder / f"features-{host}.bin"
        self._dtype = example.dtype
        size = rows * example.numel()
        if state.is_local_main_process:
            folder.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            # Room is taken now: a full disk would end the process when a page is written back.
            with self._path.open("wb") as file:
                file.truncate(size * torch.float32.itemsize)
                if sys.platform == "linux":
                    os.posix_fallocate(file.fileno(), 0, size * torch.float32.itemsize)
        state.wait_for_everyone()
        mapped = torch.from_file(str(self._path), shared=True, size=size, dtype=torch.float32)
        self._values = mapped.view(rows, *example.shape)

    @property
    def megabytes(self) -> float:
        """Size of the file."""
        return self._values.nbytes / 1e6

    def write(self, rows: Any, features: Tensor) -> None:
        """Write the features (B, P, H) of some rows."""
        self._values[torch.as_tensor(rows)] = features.float().cpu()

    def complete(self) -> None:
        """Wait until every process has written its share."""
        state = PartialState()
        state.wait_for_everyone()
        if state.is_local_main_process:
            self._path.unlink()

    def read(self, rows: Tensor) -> Tensor:
        """Return the features (B, P, H) of some rows, of the type they were computed in."""
        return self._values[rows.cpu()].to(self._dtype)


def _divide_rows(dataset: Dataset, *, batch_size: int) -> Iterator[Any]:
    """Yield this process's share of the rows in batches of like length, longest first."""
    order = np.argsort([-len(ids) for ids in dataset["input_ids"]], kind="stable")
    fraction = order[PartialState().local_process_index :: int(os.environ.get("LOCAL_WORLD_SIZE", "1"))]
    for start in range(0, len(fraction), batch_size):
        yield fraction[start : start + batch_size]


def _build_autocast(args: TrainingArguments) -> Callable[[], AbstractContextManager[Any]]:
    """Return what the Trainer computes its losses under, so that features have the same precision."""
    dtype = torch.bfloat16 if args.bf16 else torch.float16
    return lambda: torch.autocast(args.device.type, dtype=dtype, enabled=args.bf16 or args.fp16)


@contextmanager
def _in_eval_mode(model: nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
