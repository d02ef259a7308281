"""Rows are prepared: no article stands in two splits."""

import csv
from pathlib import Path

from hf_newscls.data.preparation import prepare
from tests.tiny_models import MakeRecipe


def test_article_is_in_one_split(news_rows: list[dict[str, str]], make_recipe: MakeRecipe, tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=[*news_rows[0]])
        writer.writeheader()
        writer.writerows([*news_rows, *({**row, "title": row["title"].upper()} for row in news_rows)])
    grouped = prepare(make_recipe(f"data.source={path}"))
    assert grouped.manifest.leakage.rows == 0
    assert grouped.manifest.leakage.random_split_rows > 0
    kept = prepare(make_recipe(f"data.source={path}", "data.duplicates=keep"))
    assert (
        kept.manifest.leakage.rows
        == kept.manifest.leakage.random_split_rows
        == grouped.manifest.leakage.random_split_rows
    )
    dropped = prepare(make_recipe(f"data.source={path}", "data.duplicates=drop"))
    assert dropped.manifest.leakage.rows == 0
    assert dropped.manifest.dropped["duplicate"] >= len(news_rows)
