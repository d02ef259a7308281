"""Run scripts and the command line in fresh processes, without the accounts of this machine."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

# Reads commands and writes results as lines of JSON: many commands need one import of torch.
_SERVE = """
import contextlib, io, json, sys, time
from hf_newscls.cli import main
answers, sleep, sleep_factor = sys.stdout, time.sleep, float(sys.argv[1])
time.sleep = lambda seconds: sleep(seconds * sleep_factor)
for line in sys.stdin:
    sys.argv = ["hf-newscls", *json.loads(line)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]), file=answers, flush=True)
"""


class Result(NamedTuple):
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


def build_environment(home: Path, **changes: str) -> dict[str, str]:
    """Return an environment that is offline and without tokens, with caches in `home` and wide lines."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "KAGGLE", "TRANSFORMERS"))}
    quiet = {"COLUMNS": "240", "NO_COLOR": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    own = {"HF_HOME": str(home / "hf"), "HF_HUB_OFFLINE": "1", "HF_NEWSCLS_CACHE": str(home / "prepared")}
    return kept | quiet | own | changes


def run_python(
    code: str,
    *arguments: str,
    cwd: Path,
    home: Path,
    environment: dict[str, str] | None = None,
    stdin: str = "",
    timeout: float = 120,
) -> Result:
    """Run a script in a fresh interpreter; it must end within `timeout` seconds."""
    command = [sys.executable, "-c", code, *arguments]
    return _run(command, cwd, build_environment(home, **environment or {}), stdin=stdin, timeout=timeout)


def run_cli(
    *arguments: str,
    cwd: Path,
    home: Path,
    stdin: str = "",
    environment: dict[str, str] | None = None,
    timeout: float = 120,
) -> Result:
    """Run `python -m hf_newscls` in a fresh interpreter; it must end within `timeout` seconds."""
    command = [sys.executable, "-m", "hf_newscls", *arguments]
    return _run(command, cwd, build_environment(home, **environment or {}), stdin=stdin, timeout=timeout)


def _run(
    command: Sequence[str], cwd: Path, environment: dict[str, str], *, stdin: str = "", timeout: float = 120
) -> Result:
    ended = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    return Result(ended.returncode, ended.stdout, ended.stderr)


def check_refusal(result: Result, *fragments: str) -> None:
    """Check for exit code 2 and one error, without a traceback, that names each fragment: file, key, value, fix."""
    assert result.code == 2, result.err
    assert "Traceback" not in result.out + result.err
    assert result.err.count("error:") == 1, result.err
    message = result.err[result.err.index("error:") :]
    assert [fragment for fragment in fragments if fragment not in message] == [], message


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file in a folder, by relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class CommandLine:
    """A process that runs one command after the other; it ends with the block.

    Every `time.sleep` is multiplied by `sleep_factor`.
    """

    def __init__(
        self, *, cwd: Path, environment: dict[str, str], prefix: Sequence[str] = (), sleep_factor: float = 1.0
    ) -> None:
        command = [*prefix, sys.executable, "-c", _SERVE, str(sleep_factor)]
        # Nothing reads the messages that libraries write at exit.
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, cwd=cwd, env=environment, encoding="utf-8", **pipes)

    def __enter__(self) -> "CommandLine":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=60)

    def run(self, *arguments: str) -> Result:
        """Run one command and return its result."""
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        return Result(*json.loads(self._process.stdout.readline()))
