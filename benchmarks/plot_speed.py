"""Draw benchmarks/training_speed.png from results.json: the speed of each way as a multiple of the stock one's.

python benchmarks/plot_speed.py
"""

import json
import math
from pathlib import Path

from _common import RESULTS
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

PICTURE = Path(__file__).with_name("training_speed.png")
COLORS = {"stock": "#767676", "stock, dynamic": "#767676", "stock, grouped": "#767676"}


def main() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    entries = {
        name: entry
        for name, entry in results.items()
        if name.startswith("training_speed ") and "stock" in entry["ways"]
    }
    if not entries:
        print("nothing to draw: run training_speed.py first")
        return
    columns = min(2, len(entries))
    rows = math.ceil(len(entries) / columns)
    figure = Figure(figsize=(6 * columns, 0.4 + 2.1 * rows), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, entry) in zip(panels, entries.items(), strict=False):
        draw(axes, name.removeprefix("training_speed "), entry)
    for axes in panels[len(entries) :]:
        axes.set_visible(False)
    figure.savefig(PICTURE, metadata={"Software": None})
    print(f"drew {PICTURE.name}")


def draw(axes, name: str, entry) -> None:
    ways = entry["ways"]
    for index, (way, figures) in enumerate(ways.items()):
        middle, low, high = figures["speed to stock"]
        axes.barh(index, middle, color=COLORS.get(way, "#0072B2"), xerr=[[middle - low], [high - middle]], capsize=3)
        label = f"{middle:.2f} x  ({figures['samples_per_second']:.1f} texts/s)"
        axes.text(max(high, middle), index, f"  {label}", va="center", fontsize=8)
    axes.set_yticks(range(len(ways)), labels=[*ways], fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.35 * max(figures["speed to stock"][2] for figures in ways.values()))
    axes.set_title(f"{name}: {entry['rows'] or 'all'} rows, {entry['device']}", fontsize=9, loc="left")
    axes.set_xlabel("texts a second, as a multiple of the stock way; whiskers span the rounds", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
