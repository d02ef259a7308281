"""Kill a command at random moments until it ends by itself; its result must be that of a command nobody disturbed.

::

    python -m tests.hostile.kills --kills 200               # by hand: 40 kills of each of the five commands
    python -m tests.hostile.kills predict --kills 200 --seed 17

Each kill is a SIGKILL, at a moment drawn from the duration of the whole command. The processes are forked from one that
has imported the libraries, so that moments fall into the work and not into seconds of imports. CI kills 20 times.
"""

import argparse
import math
import multiprocessing
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from hf_newscls.onnx_export.record import RECORD_FILE
from tests.conftest import build_news_rows, write_csv, write_recipe
from tests.hub_server import HubServer
from tests.processes import build_environment, read_files
from tests.test_resume import OVERRIDES
from tests.tiny_models import load_tiny, save_encoder

_PRELOAD = (
    "tests.test_resume",
    "tests.tiny_models",
    "hf_newscls.cli",
    "hf_newscls.inference.answer_blocks",
    "hf_newscls.onnx_export.export",
    "hf_newscls.workflow.evaluation.step",
    "hf_newscls.workflow.training.train",
    "onnxruntime.quantization",
    "transformers.exporters.exporter_onnx",
    "transformers.models.bert.modeling_bert",
    "transformers.trainer",
)
_ROWS, _BLOCK_ROWS = 3_000, 250  # twelve parts of an output
Files = dict[str, bytes]


@dataclass(frozen=True)
class Command:
    """A command, and what it leaves.

    Attributes:
        arguments: of the command line, which runs in a folder of its own; {} is the folder's name.
        inputs: files and folders that are copied into that folder.
        read: the result in a folder: nothing, or all of it.
        is_done: whether a killed command had ended, and is not run again.
    """

    arguments: Sequence[str]
    inputs: Sequence[Path]
    read: Callable[[Path], Files]
    is_done: Callable[[Path], bool] = lambda folder: False

    def start(self, folder: Path) -> BaseProcess:
        """Start the command in its folder."""
        arguments = [part.format(folder.name) for part in self.arguments]
        process = multiprocessing.get_context("forkserver").Process(target=_run, args=(arguments, folder))
        process.start()
        return process

    def make_folder(self, folder: Path) -> Path:
        """Copy the inputs into a new folder."""
        folder.mkdir()
        for path in self.inputs:
            if path.is_dir():
                shutil.copytree(path, folder / path.name, symlinks=True)
            else:
                shutil.copy(path, folder)
        return folder


def _run(arguments: Sequence[str], folder: Path) -> None:
    from hf_newscls.cli import main
    from hf_newscls.data.readers import row_blocks

    row_blocks.BLOCK_ROWS = _BLOCK_ROWS
    os.chdir(folder)
    os.environ["HF_NEWSCLS_CACHE"] = str(folder / "cache")
    log = os.open("log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = ["hf-newscls", *arguments]
    main()


def plan_predict(folder: Path) -> Command:
    """Answers of 3,000 rows, in twelve parts."""
    loaded = load_tiny(save_encoder(folder / "encoder", "bert", initializer_range=0.5))
    loaded.model.save_pretrained(folder / "model")
    loaded.tokenizer.save_pretrained(folder / "model")
    rows = build_news_rows()
    write_csv(
        folder / "news.csv", [{"id": f"{i}", "text": f"{i} {rows[i % len(rows)]['title']}"} for i in range(_ROWS)]
    )
    arguments = ("predict", "./model", "--input", "news.csv", "--output", "answers.csv", "--keep", "id")
    return Command(
        arguments,
        [folder / "model", folder / "news.csv"],
        read=lambda place: {path.name: path.read_bytes() for path in place.glob("answers.csv")},
        is_done=lambda place: (place / "answers.csv").exists() and not (place / "answers.csv.partial").exists(),
    )


def plan_training(folder: Path) -> Command:
    """A training of 15 steps in two stages, with a checkpoint after each."""
    encoder = save_encoder(folder / "encoder", "bert", initializer_range=0.5)
    write_csv(folder / "news.csv", build_news_rows())
    recipe = write_recipe(folder / "tiny.yaml", source=Path("news.csv"), encoder=encoder)
    return Command(("train", "tiny.yaml", *OVERRIDES), [folder / "news.csv", recipe], read=_read_latest_run)


def _read_latest_run(folder: Path) -> Files:
    run = folder / "runs" / "tiny" / "latest"
    names = ("model/model.safetensors", "model/config.json", "predictions.parquet", "split.json")
    return {name: (run / name).read_bytes() for name in names} if run.exists() else {}


def plan_preparation(folder: Path) -> Command:
    """The prepared rows of 3,000, and their card."""
    rows = build_news_rows()
    write_csv(folder / "news.csv", [{**rows[i % len(rows)], "body": f"number {i} of many"} for i in range(_ROWS)])
    recipe = write_recipe(folder / "tiny.yaml", source=Path("news.csv"), encoder=folder)
    arguments = ("prepare", "tiny.yaml", "--output", "prepared")
    return Command(arguments, [folder / "news.csv", recipe], read=lambda place: read_files(place / "prepared"))


def plan_publication(folder: Path, hub: HubServer) -> Command:
    """The push of a finished run to a Hub on this machine, into a repository of the folder's name."""
    runs = _train(folder)

    def read(place: Path) -> Files:
        repo = hub.repos.get(f"owner/{place.name}")
        titles = [commit.title for commit in repo.git.read_log(repo.head)] if repo else []
        ours = [title for title in titles if title.startswith("Train")]
        assert len(ours) < 2, titles
        files = repo.read_files("main") if repo and ours else {}
        return {name: content.replace(place.name.encode(), b"REPO") for name, content in files.items()}

    return Command(("publish", "tiny", "--repo-id", "owner/{}"), [runs], read=read)


def plan_export(folder: Path) -> Command:
    """The ONNX files of a finished run, without the speeds that were measured."""

    def read(place: Path) -> Files:
        files = read_files(place / "runs" / "tiny" / "latest" / "export")
        assert (RECORD_FILE in files) == bool(files), [*files]
        return {name: content for name, content in files.items() if name != RECORD_FILE}

    return Command(("export", "tiny", "--int8", "--max-loss", "1"), [_train(folder)], read=read)


def _train(folder: Path) -> Path:
    """Return the folder of runs of a finished training."""
    training, place = plan_training(folder), folder / "trained"
    training.make_folder(place)
    _finish(training, place)
    return place / "runs"


def _finish(command: Command, folder: Path) -> float:
    """Run the command to its end, and return its duration in seconds."""
    began = time.monotonic()
    process = command.start(folder)
    process.join()
    assert process.exitcode == 0, (folder / "log").read_text()
    return time.monotonic() - began


def campaign(command: Command, folder: Path, *, kills: int, seed: int) -> str:
    """Kill the command again and again, and return what was done in one line.

    Raises:
        AssertionError: a result was neither whole nor missing, or the command failed.
    """
    chance = random.Random(seed)
    first, second = (command.make_folder(folder / f"whole{number}") for number in (1, 2))
    _finish(command, first)
    seconds = _finish(command, second)
    whole = command.read(first)
    assert whole
    assert command.read(second) == whole
    killed: list[int] = []
    while sum(killed) < kills:
        place = command.make_folder(folder / f"killed{len(killed)}")
        killed.append(_kill_until_done(command, place, chance, seconds=seconds, kills=kills - sum(killed)))
        assert command.read(place) == whole, place
    left = {re.sub("[0-9a-f]{32}", "*", path.name) for path in folder.glob("killed*/.*")}
    return (
        f"{sum(killed)} kills of a command of {seconds:.1f} s; {len(killed)} commands ended, after up to {max(killed)} "
        f"kills, with the result of one that was not disturbed; left: {', '.join(sorted(left)) or 'nothing'}"
    )


def _kill_until_done(command: Command, place: Path, chance: random.Random, *, seconds: float, kills: int) -> int:
    """Run the command until it ends by itself, or after so many kills; return their number."""
    whole, killed = command.read(place.with_name("whole1")), 0
    while not command.is_done(place):
        process = command.start(place)
        process.join(chance.uniform(0, seconds) if killed < kills else None)
        if process.exitcode is not None:
            assert process.exitcode == 0, (place / "log").read_text()
            break
        process.kill()
        process.join()
        killed += 1
        assert command.read(place) in ({}, whole), place
    return killed


def main() -> None:
    """Run the campaign of one command, or of each, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ["train", "prepare", "predict", "publish", "export"]
    parser.add_argument("command", nargs="?", choices=names, help="by default all of them")
    parser.add_argument("--kills", type=int, default=20, help="of all commands together")
    parser.add_argument("--seed", type=int, default=17)
    options = parser.parse_args()
    commands = [options.command] if options.command else names
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kills-")))
        hub = stack.enter_context(HubServer())
        environment = build_environment(folder / "home", **hub.build_environment())
        os.environ.clear()
        os.environ.update(environment)
        multiprocessing.get_context("forkserver").set_forkserver_preload([*_PRELOAD])
        for name in commands:
            command = _plan(name, folder / name, hub)
            line = campaign(command, folder / name, kills=math.ceil(options.kills / len(commands)), seed=options.seed)
            print(f"{name}: {line}", flush=True)  # noqa: T201


def _plan(name: str, folder: Path, hub: HubServer) -> Command:
    folder.mkdir()
    plans = {"predict": plan_predict, "prepare": plan_preparation, "train": plan_training, "export": plan_export}
    return plan_publication(folder, hub) if name == "publish" else plans[name](folder)


if __name__ == "__main__":
    main()
