"""Write the tables in docs and recipes from results.json, so that no figure is typed by hand.

    python benchmarks/write_tables.py

A table is between the lines `<!-- table NAME -->` and `<!-- end of table -->`; in a recipe, between `# table NAME` and
`# end of table`.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import gpu_cost
from _common import read_results
from plot_speed import BASE, WAYS

ROOT = Path(__file__).parents[1]
TABLE = re.compile(
    r"""
    (?P<begin> ^ (?: <!--\ | (?P<comment>\#\ ) ) table\ (?P<name>[a-z\ ]+?) (?: \ --> )? $ ) \n
    (?: .*\n )*?
    (?P<end> ^ (?: <!--\ | \#\ ) end\ of\ table .* $ )
    """,
    re.MULTILINE | re.VERBOSE,
)


def main() -> None:
    for name, text in build_pages(read_results()).items():
        (ROOT / name).write_text(text, encoding="utf-8")
        print(f"wrote {name}")


def build_pages(results: Mapping[str, dict]) -> dict[str, str]:
    """Return the text of each file with tables, by its path in the repository."""
    return {name: fill_tables((ROOT / name).read_text(encoding="utf-8"), results) for name in PAGES}


def fill_tables(text: str, results: Mapping[str, dict]) -> str:
    """Return a text with all its tables written from the results."""

    def write(found: re.Match) -> str:
        lines = ((found["comment"] or "") + line for line in TABLES[found["name"]](results))
        return "\n".join([found["begin"], *lines, found["end"]])

    return TABLE.sub(write, text)


def tabulate_quality(entry: dict, *, base: str) -> list[str]:
    """Return accuracy, macro F1 and cost of each way."""
    header = ["", "accuracy", "macro F1", f"macro F1 minus {base}", "texts/s in training", "peak memory"]
    rows = [
        [
            way,
            show_interval(figures["accuracy"]),
            show_interval(figures["f1_macro"]),
            show_gain(figures.get(f"less {base}", {}).get("f1_macro")),
            f"{figures['train_samples_per_second']:.1f}",
            f"{figures['peak_megabytes']:,.0f} MB",
        ]
        for way, figures in entry["ways"].items()
    ]
    return lay_out(header, rows)


def tabulate_scores(entry: dict) -> list[str]:
    """Return accuracy and macro F1 of each way."""
    rows = [[way, *map(show_interval, (one["accuracy"], one["f1_macro"]))] for way, one in entry["ways"].items()]
    return lay_out(["", "accuracy", "macro F1"], rows)


def tabulate_scaling(entry: dict) -> list[str]:
    """Return seconds and memory of a training step by the windows of its article."""
    ways = entry["scaling"]
    header = ["windows", *(f"{way}: {what}" for way in ways for what in ("seconds a step", "peak memory"))]
    rows = []
    for count in next(iter(ways.values())):
        cells = ((f"{one[count]['seconds']:.2f}", f"{one[count]['peak_megabytes']:,.0f} MB") for one in ways.values())
        rows.append([count, *(cell for pair in cells for cell in pair)])
    return lay_out(header, rows)


def tabulate_losses(entry: dict) -> list[str]:
    """Return accuracy, macro F1 and mean F1 of the rarest labels of each way."""
    header = ["", "accuracy", "macro F1", "minus plain", "mean F1 of the ten rarest", "minus plain"]
    rows = []
    for way, figures in entry["ways"].items():
        mean = figures["rarest"]["mean"]
        rows.append(
            [
                way,
                show_interval(figures["accuracy"]),
                show_interval(figures["f1_macro"]),
                show_gain(figures.get("less plain", {}).get("f1_macro")),
                f"{mean['f1']:.3f}",
                show_gain(mean.get("less plain")),
            ]
        )
    return lay_out(header, rows)


def tabulate_rarest(entry: dict) -> list[str]:
    """Return the F1 of each of the rarest labels, by way."""
    ways = entry["ways"]
    labels = [name for name in next(iter(ways.values()))["rarest"] if name != "mean"]
    rows = []
    for label in labels:
        found = [figures["rarest"][label] for figures in ways.values()]
        rows.append([label, f"{found[0]['train_rows']:.0f}", *(f"{one['f1']:.2f}" for one in found)])
    return lay_out(["", "training rows", *ways], rows)


def tabulate_speed(entry: dict) -> list[str]:
    """Return speed and memory of the ways that do not leave out a speed-up."""
    ways = {way: one for way, one in entry["ways"].items() if way in WAYS}
    rows = [
        [
            way,
            f"{figures['samples_per_second']:.1f}",
            show_ratio(figures[f"speed to {BASE}"]),
            show_ratio(figures.get("speed to stock")),
            f"{figures['peak_megabytes']:,.0f} MB",
            str(figures["rounds"]),
        ]
        for way, figures in ways.items()
    ]
    return lay_out(["", "texts/s", f"relative to {BASE}", "relative to stock", "peak memory", "rounds"], rows)


def tabulate_speedups(headlines: dict, articles: dict) -> list[str]:
    """Return the speed of our training with one change, relative to the speed with all that stayed."""
    changed = [way for way in headlines["ways"] if way.startswith("ours with")]
    rows = []
    for way in changed:
        both = [entry["ways"].get(way, {}).get("speed to ours") for entry in (headlines, articles)]
        rows.append([way.removeprefix("ours "), *map(show_ratio, both)])
    return lay_out(["ours", "headlines", "articles"], rows)


def tabulate_prediction(entry: dict) -> list[str]:
    """Return the speed of each way to predict, and the fraction of its answers that differ from the pipeline's."""
    rows = [
        [
            way,
            f"{figures['rows_per_second']:.1f}",
            show_ratio(figures.get("speed to pipeline")),
            show_ratio(figures.get("speed to trainer")),
            f"{figures['changed_answers']:.1%}",
        ]
        for way, figures in entry["ways"].items()
    ]
    return lay_out(["", "rows/s", "relative to pipeline", "relative to trainer", "answers changed"], rows)


def tabulate_prediction_memory(entry: dict) -> list[str]:
    """Return the peak memory of predicting by number of rows and by format."""
    peaks = {(int(key.split()[0]), key.split()[1]): peak for key, peak in entry["peak_megabytes"].items()}
    formats = [*dict.fromkeys(suffix for _, suffix in peaks)]
    rows = [
        [f"{size:,}", *(f"{peaks[size, suffix]:,.0f} MB" for suffix in formats)]
        for size in dict.fromkeys(size for size, _ in peaks)
    ]
    return lay_out(["rows", *formats], rows)


def tabulate_stage_one(entry: dict) -> list[str]:
    """Return the time of stage 1 in forward passes."""
    return lay_out(["", "forward passes"], [[way, show_ratio(one)] for way, one in entry["forward_passes"].items()])


def tabulate_data_scale(entry: dict) -> list[str]:
    """Return the seconds of each step of the data preparation, by number of rows."""
    steps = ("read", "clean", "duplicates", "split", "tokenize")
    rows = [
        [f"{int(size):,}", *(f"{one[f'{step} seconds']:.1f}" for step in steps), f"{one['peak_megabytes']:,.0f} MB"]
        for size, one in entry["sizes"].items()
    ]
    return lay_out(["rows", *(f"{step} (s)" for step in steps), "peak memory"], rows)


def tabulate_static_model(entry: dict) -> list[str]:
    """Return scores and speed of the static model on each set."""
    rows = [
        [
            name,
            f"{one['train_rows']:,}",
            f"{one['test_rows']:,}",
            show_interval(one["accuracy"]),
            show_interval(one["f1_macro"]),
            f"{one['train_seconds']:.0f}",
            f"{one['rows_per_second']:,.0f}",
        ]
        for name, one in entry["data"].items()
    ]
    return lay_out(["", "training rows", "test rows", "accuracy", "macro F1", "training (s)", "rows/s"], rows)


def tabulate_onnx_speed(entry: dict) -> list[str]:
    """Return size and speed of the ONNX files of each encoder, and the speed of PyTorch."""
    rows, encoders = [], entry["encoders"]
    for name, one in encoders.items():
        base, *others = one["ways"].values()
        sizes = (f"{size:,.0f}" for size in one["megabytes"].values())
        ratios = (show_ratio(figures["speed to PyTorch"]) for figures in others)
        rows.append([name, str(one["layers"]), *sizes, f"{base['rows_per_second']:.1f}", *ratios])
    (first, *_) = encoders.values()
    base, *others = first["ways"]
    sizes = (f"{way} (MB)" for way in first["megabytes"])
    return lay_out(["", "layers", *sizes, f"{base} (rows/s)", *(f"{way} to {base}" for way in others)], rows)


def show_ratio(values: list[float] | None) -> str:
    return "{:.2f} ({:.2f} to {:.2f})".format(*values) if values else ""


def show_interval(values: list[float]) -> str:
    return "{:.3f} ({:.3f} to {:.3f})".format(*values)


def show_gain(values: list[float] | None) -> str:
    return "{:+.3f} ({:+.3f} to {:+.3f})".format(*values) if values else ""


def lay_out(header: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    head, *lines = (" | ".join(map(str.ljust, row, widths)) for row in (header, *rows))
    return [f"| {line} |" for line in (head, " | ".join("-" * width for width in widths), *lines)]


_HEADLINES, _ARTICLES = "training_speed headlines", "training_speed long articles"
_LONG, _RARE = "long_documents bbc_minilm_long", "rare_classes news_category_minilm_balanced"
TABLES: dict[str, Callable[[Mapping[str, dict]], list[str]]] = {
    "whole articles": lambda results: tabulate_quality(results[f"{_LONG}, whole"], base="first 256"),
    "buried articles": lambda results: tabulate_quality(results[f"{_LONG}, buried"], base="first 256"),
    "short whole articles": lambda results: tabulate_scores(results[f"{_LONG}, whole"]),
    "windows in a step": lambda results: tabulate_scaling(results[f"{_LONG}, whole"]),
    "losses": lambda results: tabulate_losses(results[_RARE]),
    "short losses": lambda results: tabulate_scores(results[_RARE]),
    "rarest labels": lambda results: tabulate_rarest(results[_RARE]),
    "speed on headlines": lambda results: tabulate_speed(results[_HEADLINES]),
    "speed on articles": lambda results: tabulate_speed(results[_ARTICLES]),
    "speedups": lambda results: tabulate_speedups(results[_HEADLINES], results[_ARTICLES]),
    "predictions on titles": lambda results: tabulate_prediction(results["prediction_speed titles"]),
    "predictions on headlines": lambda results: tabulate_prediction(results["prediction_speed headlines"]),
    "predictions on articles": lambda results: tabulate_prediction(results["prediction_speed articles"]),
    "memory of predictions": lambda results: tabulate_prediction_memory(results["prediction_speed memory"]),
    "stage one": lambda results: tabulate_stage_one(results["stage_one fake_news_minilm"]),
    "data preparation": lambda results: tabulate_data_scale(results["data_scale"]),
    "onnx speed": lambda results: tabulate_onnx_speed(results["onnx_speed"]),
    "static model": lambda results: tabulate_static_model(results["static_model"]),
    "gpu cost": lambda results: gpu_cost.tabulate(),
}
PAGES = (
    "docs/benchmarks.md",
    "docs/gpus.md",
    "docs/long_documents.md",
    "docs/rare_classes.md",
    "recipes/bbc_minilm_long.yaml",
    "recipes/news_category_minilm_balanced.yaml",
)


if __name__ == "__main__":
    main()
