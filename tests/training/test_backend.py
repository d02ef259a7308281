"""The backend: the device that the Trainer will use, and its settings."""

from pathlib import Path

import pytest
import torch
from transformers import TrainingArguments

from hf_newscls.recipe.model import ModelSection
from hf_newscls.training.backend import Backend, detect_backend


@pytest.mark.parametrize(
    ("device", "optimizer"),
    [("cuda", "adamw_torch_fused"), ("cpu", "adamw_torch_fused"), ("mps", "adamw_torch"), ("xla", "adamw_torch")],
)
def test_optimizer_suits_the_device(device: str, optimizer: str) -> None:
    assert Backend(device, "any", has_bf16=False).optimizer == optimizer


def test_xla_pads_to_one_length_unless_the_recipe_names_some() -> None:
    xla, cpu = Backend("xla", "any", has_bf16=False), Backend("cpu", "any", has_bf16=False)
    section = ModelSection(model_name_or_path="owner/name", max_length=64)
    assert xla.choose_lengths(section) == [64]
    assert cpu.choose_lengths(section) is None
    buckets = ModelSection(model_name_or_path="owner/name", max_length=64, pad_to=[16, 64])
    assert xla.choose_lengths(buckets) == cpu.choose_lengths(buckets) == [16, 64]


@pytest.mark.parametrize("use_cpu", [True, False])
def test_device_is_the_one_the_trainer_takes(use_cpu: bool, tmp_path: Path) -> None:
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=use_cpu)
    assert detect_backend(use_cpu=use_cpu).device == arguments.device.type


@pytest.mark.parametrize(("threads", "name"), [(1, "1 thread"), (2, "2 threads")])
def test_cpu_is_named_with_its_threads(threads: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert detect_backend(use_cpu=True).name.endswith(f", {name})")


@pytest.mark.skipif(not Path("/proc/cpuinfo").is_file(), reason="needs the CPU flags of Linux")
def test_bf16_follows_the_flags_of_the_cpu() -> None:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = {flag for line in lines if line.startswith("flags") for flag in line.split()}
    is_intel = any("GenuineIntel" in line for line in lines)
    # With avx512_bf16 only, an Intel CPU is slower in bfloat16.
    assert detect_backend(use_cpu=True).has_bf16 == ("amx_bf16" in flags or ("avx512_bf16" in flags and not is_intel))


def test_bf16_stays_off_where_torch_does_not_report_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not detect_backend(use_cpu=True).has_bf16
