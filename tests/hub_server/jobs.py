"""Jobs: each one is a process in a folder that holds nothing but what its volumes hold.

There is no container, so two things are imitated: `uvx` is a program of the tests (`uvx.py`), which runs the wheel that
was sent with the libraries of this environment; and the path of a mount is replaced in the command.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hub_server.buckets import Buckets

TERMINAL = {"COMPLETED", "ERROR", "CANCELED"}
_UVX = Path(__file__).with_name("uvx.py")
_TICK_SECONDS = 0.02
# A job sees these variables of this process, and no other.
_INHERITED = ("PATH", "OMP_NUM_THREADS", "LANG")


@dataclass
class Job:
    """A job and its process.

    Attributes:
        spec: as the client sent it.
        log: the lines that it printed, over all attempts.
        folders: where each attempt ran.
    """

    id: str
    account: str
    spec: dict[str, Any]
    created: float
    stage: str = "SCHEDULING"
    message: str | None = None
    seconds: float = 0.0
    log: list[str] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    process: "subprocess.Popen[str] | None" = None

    @property
    def has_ended(self) -> bool:
        """Return whether nothing more happens."""
        return self.stage in TERMINAL


class Jobs(dict[str, Job]):
    """Jobs by id, in the order of their start.

    Attributes:
        has_credit: whether the account can pay.
        speed: how many seconds count for one.
        before_start: called before the first process of a job starts.
        kill_when: the first attempt of a job is killed when a file with such a path is in its volume.
    """

    def __init__(self, folder: Path, buckets: Buckets, endpoint: str) -> None:
        super().__init__()
        self._folder, self._buckets, self._endpoint = folder, buckets, endpoint
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.has_credit = True
        self.speed = 1.0
        self.before_start: Callable[[], None] = lambda: None
        self.kill_when = ""

    def start(self, account: str, spec: dict[str, Any]) -> Job:
        """Start a job, and return at once."""
        job = Job(f"{len(self) + 1:024x}", account, spec, time.time())
        self[job.id] = job
        thread = threading.Thread(target=self._run, args=(job,), daemon=True)
        self._threads.append(thread)
        thread.start()
        return job

    def cancel(self, job: Job) -> None:
        """Cancel a job, if it has not ended."""
        if not job.has_ended:
            job.stage = "CANCELED"

    def stop(self) -> None:
        """Kill all processes."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, job: Job) -> None:
        self.before_start()
        for attempt in range(job.spec.get("attempts", 1)):
            code = self._run_attempt(job, attempt)
            if job.has_ended:
                return
            if code == 0:
                job.stage = "COMPLETED"
                return
            job.message = f"Job failed with exit code: {code}."
        job.stage = "ERROR"

    def _run_attempt(self, job: Job, attempt: int) -> int:
        folder = self._folder / f"{job.id}-{attempt}"
        job.folders.append(folder)
        mounts = {volume["mountPath"]: self._mount(volume, folder) for volume in job.spec.get("volumes", [])}
        command = [_replace_mounts(argument, mounts) for argument in job.spec["command"]]
        for name in ("home", "work", "tmp", "bin"):
            (folder / name).mkdir(parents=True)
        uvx = folder / "bin" / "uvx"
        uvx.write_text(f"#!{sys.executable}\n{_UVX.read_text(encoding='utf-8')}", encoding="utf-8")
        uvx.chmod(0o755)
        job.log.append(f"===== Job started at {time.strftime('%Y-%m-%d %H:%M:%S')} =====")
        job.process = subprocess.Popen(
            command,
            cwd=folder / "work",
            env=self._build_environment(job, folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )
        reader = threading.Thread(target=_read_lines, args=(job.process, job.log), daemon=True)
        reader.start()
        if not job.has_ended:
            job.stage = "RUNNING"
        code = self._watch(job, mounts, may_kill=attempt == 0)
        reader.join()
        for volume in job.spec.get("volumes", []):
            self._buckets.replace(volume["source"], volume["path"], mounts[volume["mountPath"]])
        return code

    def _watch(self, job: Job, mounts: dict[str, Path], *, may_kill: bool) -> int:
        process, last = job.process, time.monotonic()
        assert process is not None
        while process.poll() is None:
            time.sleep(_TICK_SECONDS)
            now = time.monotonic()
            job.seconds, last = job.seconds + (now - last) * self.speed, now
            if job.seconds > job.spec.get("timeoutSeconds", 1800):
                job.stage, job.message = "ERROR", "Job timeout"
            is_found = self.kill_when and any(any(mount.glob(self.kill_when)) for mount in mounts.values())
            if job.has_ended or self._stopping.is_set() or (may_kill and is_found):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return process.returncode

    def _mount(self, volume: dict[str, Any], folder: Path) -> Path:
        mount = folder / "mount" / volume["mountPath"].strip("/")
        mount.mkdir(parents=True)
        for path in self._buckets.list_paths(volume["source"]):
            if path.startswith(f"{volume['path']}/"):
                target = mount / path.removeprefix(f"{volume['path']}/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._buckets.read(volume["source"], path), target)
        return mount

    def _build_environment(self, job: Job, folder: Path) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        own = {
            "PATH": f"{folder / 'bin'}:{kept.get('PATH', '')}",
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "HF_ENDPOINT": self._endpoint,
            "HF_HUB_DISABLE_XET": "1",
            "JOB_ID": job.id,
            "ACCELERATOR": job.spec["flavor"],
        }
        return {**kept, **own, **job.spec.get("environment", {}), **job.spec.get("secrets", {})}


def _replace_mounts(argument: str, mounts: dict[str, Path]) -> str:
    for path, mount in mounts.items():
        argument = argument.replace(f"file://{path}/", f"file://{mount}/")
        if argument == path or argument.startswith(f"{path}/"):
            argument = f"{mount}{argument.removeprefix(path)}"
    return argument


def _read_lines(process: "subprocess.Popen[str]", log: list[str]) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            log.append(line.rstrip("\n"))
