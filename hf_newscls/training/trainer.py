"""transformers' Trainer with our order of the rows."""

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from torch.utils.data import DataLoader, Sampler
from transformers import IntervalStrategy, Trainer, TrainingArguments

from hf_newscls.training.callbacks.feature_cache import number_rows
from hf_newscls.training.sampler import EpochCallback, EpochSampler, measure_lengths
from hf_newscls.training.schedule import TwoStageSchedule


class NewsTrainer(Trainer):
    """A `Trainer` whose batches depend only on seed and epoch.

    A subclass because the Trainer accepts no sampler, and its own length-grouped one draws from torch's global
    generator: see `hf_newscls.training.sampler`. `train_sampling_strategy` means the same as in transformers.

    Args:
        has_row_numbers: whether batches have the row numbers that `FeatureCacheCallback` needs.
        row_weights: draw training rows with these weights; None: each row once per epoch.
    """

    def __init__(
        self,
        model: Any,
        args: TrainingArguments,
        *,
        train_dataset: Dataset,
        eval_dataset: Dataset,
        schedule: TwoStageSchedule,
        has_row_numbers: bool = False,
        row_weights: Sequence[float] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(model, args, train_dataset=train_dataset, eval_dataset=eval_dataset, **options)
        self.schedule = schedule
        """The steps of both stages."""
        train, evaluation = (self._remove_unused_columns(dataset) for dataset in (train_dataset, eval_dataset))
        self.numbered_datasets: list[Dataset] = []
        """The datasets with row numbers; the evaluation set is among them if it is evaluated during the training."""
        if has_row_numbers:
            is_evaluated = args.eval_strategy != IntervalStrategy.NO
            self.numbered_datasets = number_rows(train, evaluation) if is_evaluated else number_rows(train)
            train = self.numbered_datasets[0]
            evaluation = self.numbered_datasets[1] if is_evaluated else evaluation
        self.train_dataset, self.eval_dataset = train, evaluation
        self.sampler = self._build_sampler(row_weights)
        """The order of the training rows."""
        if isinstance(self.sampler, EpochSampler):
            self.add_callback(EpochCallback(self.sampler))

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the batches of the training set."""
        return self._build_loader(
            self.train_dataset,
            self.sampler,
            batch_size=self.args.train_batch_size,
            drop_last=self.args.dataloader_drop_last,
        )

    def get_eval_dataloader(self, eval_dataset: str | Dataset | None = None) -> DataLoader[Any]:
        """Return the batches of the evaluation set, longest rows first; scores do not depend on the order."""
        dataset = self.eval_dataset if eval_dataset is None else eval_dataset
        lengths = measure_lengths(dataset)
        order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
        return self._build_loader(dataset, order, batch_size=self.args.eval_batch_size, drop_last=False)

    def _run_epoch(self, *args: Any, **options: Any) -> None:
        """Train an epoch, unless the run has all its steps.

        The Trainer looks for the end only after a step. A run that resumes from its last step, within an epoch, would
        train one more.
        """
        if self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
        else:
            super()._run_epoch(*args, **options)  # type: ignore[no-untyped-call]

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Return 0: nothing reads the number, and counting walks all parameters in each step."""
        return 0

    def _build_sampler(self, weights: Sequence[float] | None) -> Sampler[int] | Sequence[int]:
        lengths = measure_lengths(self.train_dataset)
        if self.args.train_sampling_strategy == "sequential":
            return range(len(lengths))
        return EpochSampler(
            lengths,
            batch_rows=self.get_total_train_batch_size(self.args),
            seed=self.args.seed if self.args.data_seed is None else self.args.data_seed,
            is_grouped=self.args.train_sampling_strategy == "group_by_length",
            weights=weights,
        )

    def _build_loader(
        self, dataset: Dataset, sampler: Sampler[int] | Sequence[int], *, batch_size: int, drop_last: bool
    ) -> DataLoader[Any]:
        loader: DataLoader[Any] = DataLoader(
            dataset,
            batch_size=batch_size,
            sampler=sampler,
            drop_last=drop_last,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory,
            persistent_workers=self.args.dataloader_persistent_workers,
            prefetch_factor=self.args.dataloader_prefetch_factor,
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared
