"""A worker on a cluster answers tables of rows as one process does."""

from pathlib import Path

import pyarrow as pa

from hf_newscls.data.text_columns import TextColumns
from hf_newscls.inference.answers import AnswerForm
from hf_newscls.inference.ray_engine import RayTask, RowAnswerer
from tests.tiny_models import load_tiny


def test_ids_keep_their_type(tiny_encoder: Path, tmp_path: Path) -> None:
    # Ray leaves out the rows whose ids were written, and finds no text among numbers.
    loaded = load_tiny(tiny_encoder)
    loaded.model.save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    task = RayTask(str(tmp_path), None, TextColumns(["title"]), ["key", "year"], "key", AnswerForm(), bf16=False)
    rows = pa.table({"key": [7, 8], "title": ["bank shares", None], "year": [2018, 2019], "other": [1, 2]})
    answers = RowAnswerer(task)(rows)
    assert answers.column_names == ["key", "year", "prediction", "probability"]
    assert answers["key"].equals(rows["key"])
    assert answers["year"].to_pylist() == ["2018", "2019"]
    assert answers["prediction"].is_null().to_pylist() == [False, True]
