"""The folder of a training in the account's private bucket: files go up, the job works in it, the run comes down."""

import json
import logging
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from huggingface_hub import HfApi, Volume, constants
from pydantic import TypeAdapter

from hf_newscls.errors import JobError
from hf_newscls.hub.retry import call_hub
from hf_newscls.jobs.bundle import MOUNT, Bundle
from hf_newscls.storage import replace_folder

RESULT_FILE = "result.json"
"""The job writes it last: which run is finished."""

RUNS = "runs"
"""Where the job keeps its run, inside the volume."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobVolume:
    """A folder in a bucket."""

    bucket: str
    name: str

    @property
    def address(self) -> str:
        """Return the address for `sync_bucket`."""
        return f"hf://buckets/{self.bucket}/{self.name}"

    def to_mount(self) -> Volume:
        """Return what a job mounts."""
        return Volume(type="bucket", source=self.bucket, path=self.name, mount_path=MOUNT, read_only=False)


@dataclass(frozen=True)
class JobResult:
    """A finished run on the volume."""

    recipe: str  # its name
    run: str  # name of the run's folder
    url: str | None  # of the published model

    def __post_init__(self) -> None:
        """Raise a ValueError for a path where a name must be."""
        if any(name in {"", ".."} or Path(name).name != name for name in (self.recipe, self.run)):
            raise ValueError(f"not names of folders: {self.recipe!r}, {self.run!r}")


def find_volume(account: str, name: str) -> JobVolume:
    """Return the folder of a training in the account's bucket for jobs; the bucket is created if there is none.

    Raises:
        JobError: the bucket is public.
        PublishError: the token may not create it, or the Hub cannot be reached.
    """
    # The bucket of huggingface_hub's own `sync_job_volume`, which only warns if it is public.
    bucket = f"{account}/{constants.HF_JOBS_ARTIFACTS_BUCKET_NAME}"
    remedy = "set HF_TOKEN to a token that can write to buckets"
    create = partial(HfApi().create_bucket, bucket, private=True, exist_ok=True)
    call_hub(create, what=f"create the bucket {bucket}", remedy=remedy)
    if not call_hub(partial(HfApi().bucket_info, bucket), what=f"look up the bucket {bucket}").private:
        raise JobError(f"the bucket {bucket} is public, so nothing was sent; make it private in its settings")
    return JobVolume(bucket, name)


def send(bundle: Bundle, volume: JobVolume) -> None:
    """Send a bundle; files that are there already are not sent again."""
    sizes = bundle.list_files()
    logger.info("sending %d files, %.1f MB, to %s", len(sizes), sum(sizes.values()) / 1e6, volume.address)
    upload = partial(HfApi().sync_bucket, str(bundle.folder), volume.address, quiet=True)
    call_hub(upload, what=f"send the files to {volume.address}")


def read_result(volume: JobVolume) -> JobResult | None:
    """Return what the job wrote at its end; None before it.

    Raises:
        JobError: something else was written.
        PublishError: the Hub cannot be reached.
    """
    path, api = f"{volume.name}/{RESULT_FILE}", HfApi()
    if not call_hub(lambda: [*api.get_bucket_paths_info(volume.bucket, [path])], what=f"look into {volume.address}"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, RESULT_FILE)
        download = partial(api.download_bucket_files, volume.bucket, [(path, target)])
        call_hub(download, what=f"read {RESULT_FILE} of {volume.address}")
        try:
            return TypeAdapter(JobResult).validate_python(json.loads(target.read_text(encoding="utf-8")))
        except ValueError as error:
            raise JobError(
                f"{volume.address}: cannot read {RESULT_FILE} ({error}); start again with --no-resume"
            ) from error


def fetch_run(volume: JobVolume, inside: str, folder: Path) -> None:
    """Copy a run from the volume into a folder, whole or not at all, without its checkpoints.

    Raises:
        PublishError: the Hub cannot be reached.
    """
    logger.info("fetching %s", folder)
    with replace_folder(folder) as fresh:
        source = f"{volume.address}/{RUNS}/{inside}"
        download = partial(HfApi().sync_bucket, source, str(fresh), exclude=["checkpoints/*"], quiet=True)
        call_hub(download, what=f"fetch the run from {volume.address}")


def remove(volume: JobVolume) -> None:
    """Remove all files of a training from the bucket.

    Raises:
        PublishError: the Hub cannot be reached.
    """
    listing = partial(HfApi().list_bucket_tree, volume.bucket, prefix=volume.name, recursive=True)
    files = call_hub(lambda: [one.path for one in listing() if one.type == "file"], what=f"list {volume.address}")
    if files:
        delete = partial(HfApi().batch_bucket_files, volume.bucket, delete=files)
        call_hub(delete, what=f"remove the files of {volume.address}")
