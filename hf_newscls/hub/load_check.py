"""Load a model in a fresh process, as who downloads it would, and compare what it says with what was measured."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from hf_newscls.errors import PublishError, RunError
from hf_newscls.files import compute_sha256
from hf_newscls.report.predictions import PROBABILITY

__all__ = ["Sample", "check_reproduction", "read_samples"]

_SCRIPT = Path(__file__).with_name("load_check_script.py")
# Batches of other lengths and other kernels move a probability in the sixth digit or so.
_TOLERANCE = 1e-3
_SAMPLES = 3
_PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class Sample:
    """A test row: its text, and the probability that was stored for each label."""

    text: str
    probabilities: Mapping[str, float]


def read_samples(predictions: Path, *, count: int = _SAMPLES) -> list[Sample]:
    """Return rows of a run's predictions: the first, the last and those in between, evenly.

    Raises:
        RunError: there are none.
    """
    try:
        table = pq.read_table(predictions)
        indices = sorted({round(index * (len(table) - 1) / max(1, count - 1)) for index in range(count)})
        rows = table.take(indices).to_pylist()
        names = [name for name in table.column_names if name.startswith(PROBABILITY)]
        return [Sample(row["text"], {name.removeprefix(PROBABILITY): row[name] for name in names}) for row in rows]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise RunError(f"{predictions}: must hold the test rows, got {error!r}; evaluate the run again") from error


def check_reproduction(folder: Path, samples: Sequence[Sample], *, base: str | None = None) -> None:
    """Load a model folder in a fresh process and have it classify some texts; the code it carries runs there.

    Args:
        folder: what `pipeline()` loads.
        samples: what it must say.
        base: the encoder under an adapter that goes alone.

    Raises:
        PublishError: it does not load, or says something else.
    """
    texts = tuple(sample.text for sample in samples)
    answers = _classify(folder, texts, base=base, content=_hash_folder(folder))
    for sample, answer in zip(samples, answers, strict=True):
        wrong = [
            name for name, value in sample.probabilities.items() if abs(answer.get(name, -1.0) - value) > _TOLERANCE
        ]
        if wrong:
            name = wrong[0]
            raise PublishError(
                f"{folder}: must give the probabilities that were measured, got {answer.get(name)} for {name!r} where "
                f"{sample.probabilities[name]:.6f} is stored; evaluate the run again"
            )


def _hash_folder(folder: Path) -> str:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256("".join(f"{name} {compute_sha256(folder / name)}\n" for name in names).encode()).hexdigest()


# A push that is repeated need not load the same files again.
@lru_cache(maxsize=4)
def _classify(folder: Path, texts: tuple[str, ...], *, base: str | None, content: str) -> Sequence[Mapping[str, float]]:
    """Return the probability of each label for each text; `content` stands for what the folder holds."""
    with TemporaryDirectory() as modules:
        try:
            ended = subprocess.run(
                # -I: neither our package's folder nor the working directory is where it looks for modules.
                [sys.executable, "-I", str(_SCRIPT)],
                input=json.dumps({"folder": str(folder.resolve()), "base": base, "texts": texts}),
                env={**os.environ, "HF_MODULES_CACHE": modules, "TRANSFORMERS_VERBOSITY": "error"},
                capture_output=True,
                encoding="utf-8",
                errors="replace",  # what libraries print is in the locale's encoding
                timeout=_PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise PublishError(
                f"{folder}: must classify {len(texts)} texts in a fresh process within {_PATIENCE_SECONDS} s, got no "
                "answer; publish again when the machine has less to do"
            ) from error
    if ended.returncode != 0:
        reason = (ended.stderr.strip().splitlines() or ["no message"])[-1][:300]
        raise PublishError(f"{folder}: must load in a fresh process, got {reason!r}; train or evaluate the run again")
    answers = json.loads(ended.stdout.strip().splitlines()[-1])["answers"]
    return [{part["label"]: part["score"] for part in answer} for answer in answers]
