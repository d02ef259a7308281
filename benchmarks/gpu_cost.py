"""Estimate the minutes and the price of a RoBERTa run on rented GPUs, for docs/gpus.md. Nothing here ran on a GPU.

    python benchmarks/gpu_cost.py     # prints the table; write_tables.py writes it into docs/gpus.md

Operations are counted, and divided by an assumed fraction of the GPU's peak. A step takes no less than an assumed time,
because Python launches some thousand kernels in each.
"""

from dataclasses import dataclass

LAYERS, HIDDEN = 12, 768  # RoBERTa-base
ENCODER_WEIGHTS = LAYERS * 12 * HIDDEN**2  # of the matrices in the layers; embeddings are looked up

PEAK_FRACTION = 0.3  # assumed
STEP_SECONDS = 0.03  # assumed, at least
FIXED_MINUTES = 6.0  # assumed: start, installation, download, baselines, bootstrap


@dataclass(frozen=True)
class Gpu:
    """A GPU of HF Jobs."""

    flavor: str
    peak: float  # operations a second in `precision`, dense, from NVIDIA's data sheets
    precision: str
    dollars: float  # an hour, https://huggingface.co/docs/hub/jobs-pricing


GPUS = {
    "T4": Gpu("t4-small", 65e12, "fp16", 0.40),
    "L4": Gpu("l4x1", 121e12, "bf16", 0.80),
    "A10G": Gpu("a10g-small", 70e12, "bf16", 1.00),
    "A100": Gpu("a100-large", 312e12, "bf16", 2.50),
}


@dataclass(frozen=True)
class Training:
    """What a recipe asks of the GPU."""

    rows: int  # of the file
    train_rows: int
    validation_rows: int
    tokens: float  # of a row, after truncation
    epochs: int  # of stage 2; the features of stage 1 are cached, so that it needs one pass
    batch_rows: int


RECIPES = {
    # Rows after dropping texts under five characters; tokens of the set's first 256 articles.
    "fake_news_roberta": Training(6_299, 4_410, 629, 229, 12, 16),
    # Rows of version 2; tokens of 16,242 rows of version 3.
    "news_category_roberta": Training(200_853, 160_682, 20_085, 41, 6, 16),
}


def count_forward(tokens: float) -> float:
    """Return the operations of one row's forward pass: matrices, then attention scores and their use.

    >>> round(count_forward(256) / 1e9)
    46
    """
    return tokens * (2 * ENCODER_WEIGHTS + 4 * tokens * HIDDEN * LAYERS)


def estimate_rows_per_second(training: Training, gpu: Gpu) -> float:
    """Return the speed of a training step; the backward pass takes twice the operations of the forward pass."""
    seconds = training.batch_rows * 3 * count_forward(training.tokens) / (gpu.peak * PEAK_FRACTION)
    return training.batch_rows / max(seconds, STEP_SECONDS)


def estimate_minutes(training: Training, gpu: Gpu) -> float:
    """Return the minutes of a whole run: training, validation, and each row twice for features and predictions."""
    forward = count_forward(training.tokens) / (gpu.peak * PEAK_FRACTION)
    train = training.epochs * training.train_rows / estimate_rows_per_second(training, gpu)
    predict = (training.epochs * training.validation_rows + 2 * training.rows) * forward
    return FIXED_MINUTES + (train + predict) / 60


def tabulate() -> list[str]:
    """Return the table of docs/gpus.md."""
    header = "| Recipe | GPU, precision | An hour | Rows/s in stage 2 | Whole run | Price |"
    lines = [header, "|---|---|---:|---:|---:|---:|"]
    for recipe, training in RECIPES.items():
        for name, gpu in GPUS.items():
            minutes = estimate_minutes(training, gpu)
            cells = [
                f"`{recipe}`",
                f"{name} (`{gpu.flavor}`), {gpu.precision}",
                f"${gpu.dollars:.2f}",
                f"{estimate_rows_per_second(training, gpu):,.0f} *estimate*",
                f"{minutes:.0f} min *estimate*",
                f"${minutes / 60 * gpu.dollars:.2f} *estimate*",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    print("\n".join(tabulate()))
