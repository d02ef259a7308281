"""Stage 1 on cached features: the frozen part runs once per row, and the head is trained on its output.

The frozen part has no dropout, so its output for a row is the same in every epoch. Batches, order and losses are those
of a run without the cache.

Shape letters: N rows, B batch, H hidden size, P kept vectors of a row: its first token and the pooler's output, or
those of its windows.
"""

import logging
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from datasets import Dataset
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerState, TrainingArguments

from hf_newscls.progress import report_progress
from hf_newscls.training.collator import Collator
from hf_newscls.training.frozen_part import FrozenPart
from hf_newscls.training.sampler import measure_lengths

_ROW = "row"
_PROBE_ROWS = 4

logger = logging.getLogger(__name__)


def number_rows(*datasets: Dataset) -> list[Dataset]:
    """Return the datasets with a column of row numbers, which `FeatureCacheCallback` needs; they count through."""
    starts = np.cumsum([0, *map(len, datasets)])
    return [
        dataset.add_column(_ROW, np.arange(start, start + len(dataset)))
        for dataset, start in zip(datasets, starts[:-1], strict=True)
    ]


class FeatureCacheCallback(TrainerCallback):
    """Train the head on cached features while the rest is frozen.

    Works on several devices and hosts. A run that is resumed in stage 1 computes the features again. Must come after
    the `TwoStageFreezeCallback`. If the head reads more than the cache keeps, or there is no disk space for it, the
    callback logs the reason, and the frozen part runs in each step.

    The datasets come from `number_rows`, training rows first. The model must not be compiled.
    """

    def __init__(
        self, model: nn.Module, part: FrozenPart, datasets: Sequence[Dataset], *, collate: Collator, boundary_step: int
    ) -> None:
        self._model = model
        self._part = part
        self._datasets = datasets
        self._collate = collate
        self._boundary_step = boundary_step
        self._rows: Tensor | None = None
        self._is_cached = False
        # Never removed: batches have row numbers in stage 2 and in later evaluations too.
        model.register_forward_pre_hook(self._take_rows, with_kwargs=True)

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Compute the features if training begins in stage 1."""
        self._restore()  # an earlier training may have failed
        if state.global_step >= self._boundary_step:
            return
        dtype = torch.bfloat16 if args.bf16 else torch.float16
        autocast = torch.autocast(args.device.type, dtype=dtype, enabled=args.bf16 or args.fp16)
        with _in_eval_mode(kwargs["model"]), torch.no_grad(), autocast:
            features = self._compute_features(kwargs["model"], args)
        if features is None:
            return
        self._is_cached = True
        self._part.replace(lambda *inputs, **options: self._look_up(features, args.device, inputs, options))
        # The model's own walks all modules, which takes longer than the head's forward pass.
        self._model.__dict__["zero_grad"] = kwargs["optimizer"].zero_grad

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Leave the tokens out of the batches of an epoch that is wholly in stage 1; nothing reads them.

        Batches are made before their steps, so an epoch with the boundary in it keeps them.
        """
        steps = math.ceil(len(kwargs["train_dataloader"]) / args.gradient_accumulation_steps)
        is_whole = self._is_cached and state.global_step + steps <= self._boundary_step
        self._datasets[0].set_format(columns=[_ROW, "labels"] if is_whole and not args.dataloader_num_workers else None)

    def on_step_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Run the frozen part again from the boundary on."""
        if state.global_step >= self._boundary_step:
            self._restore()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Run the frozen part again, also if training ended in stage 1."""
        self._restore()
        self._datasets[0].reset_format()

    def _take_rows(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        self._rows = kwargs.pop(_ROW, None)
        return args, kwargs

    def _restore(self) -> None:
        self._part.restore()
        self._model.__dict__.pop("zero_grad", None)
        self._is_cached = False

    def _compute_features(self, model: nn.Module, args: TrainingArguments) -> "_Features | None":
        """Compute the features of all rows, each process of a host a part of them; None if they cannot be used."""
        if not self._has_same_logits(model, args.device):
            logger.info(
                "stage 1 runs without cached features: the head of %s reads more than a text's first token",
                type(model).__name__,
            )
            return None
        start = time.perf_counter()
        example = self._part.pack(self._part.run(**self._load_batch([0], self._datasets[0], args.device)))[0]
        count = sum(map(len, self._datasets))
        features = _Features.allocate(Path(str(args.output_dir)), count, example)
        if features is None:
            return None
        logger.info("stage 1: computing the encoder's output for %s", self._describe_rows())
        first = done = 0
        for dataset in self._datasets:
            for indices in _divide_rows(dataset, batch_size=args.per_device_eval_batch_size):
                batch = self._load_batch(indices, dataset, args.device)
                features.write(first + indices, self._part.pack(self._part.run(**batch)))
                done += len(indices) * _count_local_processes()
                report_progress("stage 1, features", min(done, count), count)
            first += len(dataset)
        features.complete()
        logger.info(
            "stage 1: output computed in %.1f s (%.1f MB); every epoch of stage 1 reuses it",
            time.perf_counter() - start,
            features.values.nbytes / 1e6,
        )
        return features

    def _describe_rows(self) -> str:
        kinds = zip(self._datasets, ("training", "validation"), strict=False)  # validation rows are not always cached
        return f"{' and '.join(f'{len(dataset):,} {kind}' for dataset, kind in kinds)} rows"

    def _has_same_logits(self, model: nn.Module, device: torch.device) -> bool:
        """Compare the logits of a few rows with those computed from what the cache would keep."""
        batch = self._load_batch(range(min(_PROBE_ROWS, len(self._datasets[0]))), self._datasets[0], device)
        whole = model(**batch).logits
        part = self._part
        part.replace(lambda *inputs, **options: part.unpack(part.pack(part.run(*inputs, **options))))
        try:
            cut = model(**batch).logits
        except (IndexError, RuntimeError, ValueError):  # a head that indexes or masks the other tokens
            return False
        finally:
            self._restore()
        return torch.allclose(whole, cut, rtol=1e-3, atol=1e-4)

    def _load_batch(self, indices: Any, dataset: Dataset, device: torch.device) -> dict[str, Tensor]:
        rows = dataset.remove_columns([_ROW, "labels"]).select(indices).to_list()
        return {name: values.to(device) for name, values in self._collate(rows).items()}

    def _look_up(
        self, features: "_Features", device: torch.device, inputs: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if self._rows is None:  # rows without a number, as in a prediction
            return self._part.run(*inputs, **options)
        return self._part.unpack(features.read(self._rows).to(device))


@dataclass
class _Features:
    """Features (N, P, H) in a file mapped into memory, which the processes of a host share.

    The file is deleted from its folder once it is complete, so nothing is left behind even if the process is killed.
    """

    path: Path
    values: Tensor
    dtype: torch.dtype

    @classmethod
    def allocate(cls, folder: Path, rows: int, example: Tensor) -> "_Features | None":
        """Return features like `example` (P, H), without values; None, logged, if any host has no space for them."""
        state = PartialState()
        path = folder / f"features-{state.process_index // _count_local_processes()}.bin"
        size = rows * example.numel() * torch.float32.itemsize
        problem = _write_empty_file(path, size) if state.is_local_main_process else None
        problems = [one for one in gather_object([problem]) if one]
        if not problems:
            mapped = torch.from_file(str(path), shared=True, size=rows * example.numel(), dtype=torch.float32)
            return cls(path, mapped.view(rows, *example.shape), example.dtype)
        if state.is_local_main_process:
            path.unlink(missing_ok=True)
        logger.warning("stage 1 runs without cached features: no space for %.1f MB: %s", size / 1e6, problems[0])
        return None

    def write(self, rows: Any, features: Tensor) -> None:
        """Write the features (B, P, H) of some rows."""
        self.values[torch.as_tensor(rows)] = features.float().cpu()

    def complete(self) -> None:
        """Wait until all processes have written their rows."""
        state = PartialState()
        state.wait_for_everyone()
        if state.is_local_main_process:
            self.path.unlink()

    def read(self, rows: Tensor) -> Tensor:
        """Return the features (B, P, H) of some rows, in the precision in which they were computed."""
        return self.values[rows.cpu()].to(self.dtype)


def _write_empty_file(path: Path, size: int) -> str | None:
    """Write a file of a size in bytes; return the reason if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with path.open("wb") as file:
            file.truncate(size)
            # Take the space now: on a full disk, a write to mapped memory kills the process.
            if sys.platform == "linux":
                os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        return str(error)
    return None


def _count_local_processes() -> int:
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def _divide_rows(dataset: Dataset, *, batch_size: int) -> Iterator[Any]:
    """Yield the rows of this process in batches of similar length, longest first."""
    order = np.argsort(-np.asarray(measure_lengths(dataset)), kind="stable")
    own = order[PartialState().local_process_index :: _count_local_processes()]
    for start in range(0, len(own), batch_size):
        yield own[start : start + batch_size]


@contextmanager
def _in_eval_mode(model: nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
