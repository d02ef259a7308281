"""Run by `accelerate launch`: trains the tiny news on each rank and saves what each ends with."""

import sys
from pathlib import Path

import torch

from hf_newscls.recipe.loading import read_recipe
from tests.conftest import build_news_rows
from tests.tiny_models import prepare_run


def main() -> None:
    recipe_path, output, *overrides = sys.argv[1:]
    run = prepare_run(read_recipe(recipe_path, overrides), build_news_rows(), Path(output) / "run", train=32)
    trainer = run.build_trainer()
    trainer.train()
    history = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    content = {"state": run.classifier.model.state_dict(), "losses": history}
    torch.save(content, Path(output) / f"rank-{trainer.args.process_index}-of-{trainer.args.world_size}.pt")


if __name__ == "__main__":
    main()
