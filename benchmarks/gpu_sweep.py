"""Training steps of RoBERTa-base's shape over batch size and length, on a GPU under bfloat16 autocast.

    python benchmarks/gpu_sweep.py [--batches 16 32 64 128] [--lengths 64 128 256 512] [--steps 20]

Weights and tokens are random and nothing is padded, so it needs no download; speed does not depend on them. Each
figure is that of steps after three of warm-up, fused AdamW included. Not run on a GPU yet.
"""

import argparse
import json
import time
from pathlib import Path

from _common import RESULTS, count_flops, describe_machine, find_peak_flops, save, wait_for_device

WARM_UP_STEPS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 128, 256, 512])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--results", type=Path, default=RESULTS, help="file that the figures are put into")
    options = parser.parse_args()

    import torch
    from transformers import RobertaConfig

    if not torch.cuda.is_available():
        print("gpu_sweep: no GPU here, nothing to measure")
        return
    # What of RoBERTa-base is not RobertaConfig's default.
    config = RobertaConfig(max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5)
    sizes = [(rows, length) for length in options.lengths for rows in options.batches]
    figures = [measure(config, rows=rows, length=length, steps=options.steps) for rows, length in sizes]
    save("gpu_sweep", {**describe_machine(), "steps": options.steps, "sizes": figures}, options.results)


def measure(config, *, rows: int, length: int, steps: int) -> dict[str, object]:
    """Measure one size with a model of its own; one that does not fit says so."""
    import torch
    from transformers import RobertaForSequenceClassification

    size = {"rows": rows, "length": length}
    torch.manual_seed(17)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = RobertaForSequenceClassification(config).to(device).train()
    try:
        seconds = time_steps(model, **size, steps=steps)
    except torch.OutOfMemoryError:
        return {**size, "fits": False}
    peak = find_peak_flops()
    figures: dict[str, object] = {**size, "fits": True, "samples_per_second": rows * steps / seconds}
    if device == "cuda":
        figures["peak_megabytes"] = torch.cuda.max_memory_allocated() / 1e6
    if peak is not None:
        figures["flops_utilization"] = count_flops(model, **size) * steps / seconds / peak
    print(json.dumps(figures), flush=True)
    return figures


def time_steps(model, *, rows: int, length: int, steps: int) -> float:
    import torch

    device = model.device.type
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    # From 5 on: a token of padding's id would get no position of its own.
    ids = torch.randint(5, model.config.vocab_size, (rows, length), device=device)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids[:, 0] % 2}
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    start = 0.0
    for step in range(WARM_UP_STEPS + steps):
        if step == WARM_UP_STEPS:
            wait_for_device()
            start = time.perf_counter()
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    wait_for_device()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
