"""Predict the labels of texts, and explain predictions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import InputError, format_examples, suggest_fix
from hf_newscls.workflow.model_address import find_model_address
from hf_newscls.workflow.prediction.rows import open_rows
from hf_newscls.workflow.run import Run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from datasets import Dataset
    from numpy.typing import NDArray

    from hf_newscls.inference.attribution import Attribution

_LINES_AT_ONCE = 1024


@dataclass(frozen=True)
class Prediction:
    """The most probable labels of a text, best first, with their probabilities."""

    text: str
    labels: Sequence[str]
    probabilities: Sequence[float]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions for N texts and L labels; iterating gives a `Prediction` for each text.

    Attributes:
        texts: in the order in which they were given.
        label_names: in the order of the label ids.
        probabilities: shape (N, L); not a number for a text without a word.
        top_k: number of labels in each `Prediction`.
    """

    texts: Sequence[str]
    label_names: Sequence[str]
    probabilities: NDArray[np.float32]
    top_k: int

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.texts)

    def __getitem__(self, index: int) -> Prediction:
        """Return the prediction for a text; one without a word has no labels."""
        row = self.probabilities[index]
        if not self.texts[index].strip() or row[0] != row[0]:
            return Prediction(self.texts[index], [], [])
        best = (-row).argsort(kind="stable")[: self.top_k]
        return Prediction(
            self.texts[index], [self.label_names[label] for label in best], [float(row[label]) for label in best]
        )

    def __iter__(self) -> Iterator[Prediction]:
        """Yield the predictions in the order of the texts."""
        return (self[index] for index in range(len(self)))

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each text: text, prediction, `probability of LABEL`."""
        import pandas as pd

        from hf_newscls.inference.answers import PROBABILITY

        table = pd.DataFrame({"text": [*self.texts]})
        table["prediction"] = [one.labels[0] if one.labels else None for one in self]
        for index, name in enumerate(self.label_names):
            table[PROBABILITY + name] = self.probabilities[:, index]
        return table

    def _repr_html_(self) -> str:
        return str(self.to_pandas().to_html(float_format="{:.1%}".format))


@dataclass(frozen=True)
class Explanation:
    """The effect of each word on the probability of a label.

    Attributes:
        text: the part of the text that the model reads.
        label: the explained label.
        attribution: the effects.
    """

    text: str
    label: str
    attribution: Attribution


def predict(
    model: Run | str | Path,
    texts: str | Sequence[str] | Dataset | Path,
    *,
    text: str | Sequence[str] | None = None,
    top_k: int = 3,
    runs_dir: str | Path = "runs",
) -> Predictions:
    """Predict the labels of texts, or of the rows of a dataset or file that fits into memory.

    `predict_file` does it for files of any size.

    Args:
        model: a run, a run folder, a model folder, a Hub id, or the name or path of a recipe, for its latest run.
        texts: a text or several; or a dataset, or the `Path` of a file. A text without a word has no labels.
        text: a column of a dataset or file, or several that are joined; by default those of the training.
        top_k: number of labels for each text.
        runs_dir: where the run folders are.

    Raises:
        InputError: no text has a word, or one has more than a million characters.
        SourceError: the file does not exist.
        DataError: the dataset or file lacks a column, or the file cannot be read.
        RunError: the recipe has no finished run.
        ModelError: the model cannot be loaded.
    """
    from datasets import Dataset

    from hf_newscls.inference.predicting import predict_probabilities

    address = find_model_address(model, runs_dir=runs_dir)
    if isinstance(texts, (Path, Dataset)):
        read, rows = [], open_rows(texts, recipe=address.recipe)
    else:
        read, rows = _list_texts(texts), None
        if read and not any(map(str.strip, read)):
            raise InputError(f"texts: none of {len(read)} contains a word (the first is {read[0]!r}); pass a text")
    classifier = address.load()
    if rows is not None:
        columns = address.choose_text(classifier, named=text)
        read = [row for block in rows.read_blocks(columns.columns) for row in columns.join(block)]
    probabilities = predict_probabilities(classifier, read)
    probabilities[[not one.strip() for one in read]] = float("nan")
    return Predictions(read, classifier.label_names, probabilities, top_k)


def predict_lines(
    model: Run | str | Path, lines: Iterable[str], *, top_k: int = 3, runs_dir: str | Path = "runs"
) -> Iterator[Prediction]:
    """Predict texts as they come, such as the lines of a pipe; an empty one has no labels.

    Args:
        model: as for `predict`.
        lines: one text each.
        top_k: number of labels for each text.
        runs_dir: where the run folders are.

    Raises:
        RunError: the recipe has no finished run.
        ModelError: the model cannot be loaded.
    """
    from hf_newscls.inference.predicting import predict_probabilities
    from hf_newscls.inference.prefetching import take_available

    classifier = find_model_address(model, runs_dir=runs_dir).load()
    for texts in take_available(map(str.strip, lines), limit=_LINES_AT_ONCE):
        probabilities = predict_probabilities(classifier, texts)
        yield from Predictions(texts, classifier.label_names, probabilities, top_k)


def explain(
    model: Run | str | Path,
    texts: str | Sequence[str],
    *,
    label: str | None = None,
    samples: int | None = None,
    runs_dir: str | Path = "runs",
) -> Iterator[Explanation]:
    """Estimate the effect of each word on a prediction, as Shapley values.

    Args:
        model: as for `predict`.
        texts: a text or several; each is explained when the iterator comes to it.
        label: the label to explain; by default the most probable one of each text.
        samples: orders of the words to try; more are slower and more exact.
        runs_dir: where the run folders are.

    Raises:
        InputError: captum is not installed, the model has no such label, or a text is empty or too long.
        RunError: the recipe has no finished run.
        ModelError: the model cannot be loaded.
    """
    from hf_newscls.inference.attribution import attribute_words, check_captum, cut_to_read
    from hf_newscls.inference.predicting import predict_probabilities

    texts = _list_texts(texts)
    for index, text in enumerate(texts, start=1):
        if not text.strip():
            raise InputError(f"text {index} of {len(texts)}: {text!r} contains no word; remove it")
    check_captum()
    classifier = find_model_address(model, runs_dir=runs_dir).load()
    names = classifier.label_names
    if label is not None and label not in names:
        fix = suggest_fix(label, names, otherwise=f"choose one of {format_examples(names)}")
        raise InputError(f"label is {label!r}, which the model does not have; {fix}")

    def explain_one(text: str) -> Explanation:
        """Explain the chosen label, or the most probable one."""
        read = cut_to_read(classifier, text)
        index = int(predict_probabilities(classifier, [read])[0].argmax()) if label is None else names.index(label)
        return Explanation(read, names[index], attribute_words(classifier, read, label=index, samples=samples))

    return map(explain_one, texts)


def _list_texts(texts: str | Sequence[str]) -> list[str]:
    from hf_newscls.data.readers.encoding.text_file import MAX_CHARACTERS

    if isinstance(texts, str) and os.path.isfile(texts):
        raise InputError(f"text {texts!r} is an existing file, which would not be read; pass Path({texts!r})")
    listed = [texts] if isinstance(texts, str) else [*texts]
    for index, text in enumerate(listed, start=1):
        # A tokenizer takes more than a hundred bytes for each character.
        if len(text) > MAX_CHARACTERS:
            raise InputError(
                f"text {index} of {len(listed)} has {len(text):,} characters, more than {MAX_CHARACTERS:,}; shorten it"
            )
    return listed
