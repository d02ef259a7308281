"""Answer the rows of files block by block; the next block is tokenized while the model computes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from hf_newscls.data.text_columns import TextColumns
from hf_newscls.inference.answers import AnswerForm, build_answers
from hf_newscls.inference.predicting import TokenizedTexts, TrainedClassifier, compute_probabilities, tokenize_texts
from hf_newscls.inference.prefetching import prefetch


@dataclass(frozen=True)
class RowTask:
    """What is done with each row of a file."""

    classifier: TrainedClassifier
    text: TextColumns
    keep: Sequence[str]  # columns that are copied
    form: AnswerForm

    @property
    def columns(self) -> list[str]:
        """Columns to read."""
        return list_columns(self.text, self.keep)


def list_columns(text: TextColumns, keep: Sequence[str]) -> list[str]:
    """Return the columns to read: those of the text, then those that are copied, each once.

    >>> list_columns(TextColumns(["title", "body"]), ["url", "title"])
    ['title', 'body', 'url']
    """
    return [*dict.fromkeys([*text.columns, *keep])]


class AnsweredBlock(NamedTuple):
    """Rows of the output, and the number of rows, empty texts, answers without confidence, and truncated texts."""

    table: pa.Table
    counts: Mapping[str, int]


class _PreparedBlock(NamedTuple):
    """Rows that the model can read."""

    kept: pa.Table
    texts: list[str]
    tokenized: TokenizedTexts


def answer_blocks(task: RowTask, blocks: Iterable[pa.Table]) -> Iterator[AnsweredBlock]:
    """Yield a row of output for each row of the blocks, which have the columns of the task."""
    return (_answer(task, block) for block in prefetch(_prepare(task, table) for table in blocks))


def _prepare(task: RowTask, table: pa.Table) -> _PreparedBlock:
    texts = task.text.join(table)
    return _PreparedBlock(table.select([*task.keep]), texts, tokenize_texts(task.classifier, texts))


def _answer(task: RowTask, block: _PreparedBlock) -> AnsweredBlock:
    found = compute_probabilities(task.classifier, block.tokenized)
    answers = build_answers(found, block.texts, task.classifier.label_names, task.form)
    table = block.kept
    for name in answers.table.column_names:
        table = table.append_column(name, answers.table.column(name))
    truncated = int((block.tokenized.counts.lengths > task.classifier.tokenizer.model_max_length).sum())
    counts = {"rows": len(block.texts), "empty": answers.empty, "unsure": answers.unsure, "truncated": truncated}
    return AnsweredBlock(table, counts)
