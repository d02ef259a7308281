"""Draw benchmarks/training_speed.png from results.json: speed relative to "grouped, same config".

python benchmarks/plot_speed.py
"""

from pathlib import Path

from _common import read_results
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

PICTURE = Path(__file__).with_name("training_speed.png")
BASE = "grouped, same config"
WAYS = ("stock", "stock, grouped", BASE, f"{BASE}, bf16", "ours")
OURS, OTHER = "#0072B2", "#767676"


def main() -> None:
    entries = {name: one["ways"] for name, one in read_results().items() if name.startswith("training_speed ")}
    figure = Figure(figsize=(6 * len(entries), 2.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(entries), squeeze=False)[0]
    for axes, (name, ways) in zip(panels, entries.items(), strict=True):
        draw(axes, name.removeprefix("training_speed "), ways)
    figure.savefig(PICTURE, metadata={"Software": None})
    print(f"drew {PICTURE.name}")


def draw(axes, name: str, ways) -> None:
    shown = [way for way in WAYS if way in ways]
    for index, way in enumerate(shown):
        middle, low, high = ways[way][f"speed to {BASE}"]
        color = OURS if way == "ours" else OTHER
        axes.barh(index, middle, color=color, xerr=[[middle - low], [high - middle]], capsize=3)
        label = f"{middle:.2f} x  ({ways[way]['samples_per_second']:.1f} texts/s)"
        axes.text(high, index, f"  {label}", va="center", fontsize=8)
    axes.set_yticks(range(len(shown)), labels=shown, fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.5 * max(ways[way][f"speed to {BASE}"][2] for way in shown))
    axes.set_title(name, fontsize=9, loc="left")
    axes.set_xlabel(f'speed relative to "{BASE}"; lines: range over rounds', fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
