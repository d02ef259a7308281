"""Load a model in a fresh process, as its users will, and compare its answers with the stored predictions."""

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
from hf_newscls.files import compute_sha256, list_files
from hf_newscls.inference.answers import PROBABILITY

_SCRIPT = Path(__file__).with_name("load_check_script.py")
# Other batch sizes and kernels change a probability in the sixth digit.
_TOLERANCE = 1e-3
_PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class Sample:
    """A test row: its text, and the stored probability of each label."""

    text: str
    probabilities: Mapping[str, float]


def read_samples(predictions: Path) -> list[Sample]:
    """Return the first, the middle and the last row of a run's predictions.

    Raises:
        RunError: there are no predictions.
    """
    try:
        table = pq.read_table(predictions)
        rows = table.take([0, len(table) // 2, len(table) - 1]).to_pylist()
        names = [name for name in table.column_names if name.startswith(PROBABILITY)]
        return [Sample(row["text"], {name.removeprefix(PROBABILITY): row[name] for name in names}) for row in rows]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise RunError(f"{predictions}: cannot read the test rows ({error!r}); evaluate the run again") from error


def check_reproduction(folder: Path, samples: Sequence[Sample], *, base: str | None = None) -> None:
    """Load a model folder, with the code in it, in a fresh process, and compare its probabilities.

    `base` is the encoder's id, if the folder holds only an adapter.

    Raises:
        PublishError: the model does not load, or its probabilities differ by more than 0.001.
    """
    texts = tuple(sample.text for sample in samples)
    hashes = tuple((str(path), compute_sha256(path)) for path in list_files(folder).values())
    for sample, answer in zip(samples, _classify(folder, texts, base=base, hashes=hashes), strict=True):
        for name, stored in sample.probabilities.items():
            if abs(answer.get(name, -1.0) - stored) > _TOLERANCE:
                raise PublishError(
                    f"{folder}: gives {answer.get(name)} for {name!r} in a fresh process, but the predictions say "
                    f"{stored:.6f}; evaluate the run again"
                )


# Publishing the same files again does not load them again.
@lru_cache(maxsize=4)
def _classify(
    folder: Path, texts: tuple[str, ...], *, base: str | None, hashes: tuple[tuple[str, str], ...]
) -> Sequence[Mapping[str, float]]:
    """Return the probability of each label for each text; `hashes` of the files belong to the cache's key."""
    with TemporaryDirectory() as modules:
        try:
            ended = subprocess.run(
                # -I: modules in the working directory and in our package's folder are not found.
                [sys.executable, "-I", str(_SCRIPT)],
                input=json.dumps({"folder": str(folder.resolve()), "base": base, "texts": texts}),
                env={**os.environ, "HF_MODULES_CACHE": modules, "TRANSFORMERS_VERBOSITY": "error"},
                capture_output=True,
                encoding="utf-8",
                errors="replace",  # libraries print in the locale's encoding
                timeout=_PATIENCE_SECONDS,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            reason = (error.stderr.strip().splitlines() or ["no message"])[-1][:300]
            raise PublishError(f"{folder}: does not load in a fresh process: {reason}; train it again") from error
        except subprocess.TimeoutExpired as error:
            reason = f"no answer from a fresh process after {_PATIENCE_SECONDS} s"
            raise PublishError(f"{folder}: {reason}; publish again when the machine is less busy") from error
    answers: Sequence[Mapping[str, float]] = json.loads(ended.stdout.strip().splitlines()[-1])
    return answers
