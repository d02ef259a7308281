"""Where the time of a training step goes, stock against ours: the top operations of torch.profiler.

    python benchmarks/profile_step.py [--recipe NAME] [--data FILE] [KEY=VALUE …]

Stock is the grouped way of training_speed.py. Writes benchmarks/profile.md.
"""

import argparse
import tempfile
from pathlib import Path

from _common import add_recipe_options, describe, load
from training_speed import build_ours, build_stock

REPORT = Path(__file__).with_name("profile.md")
WARM_UP, STEPS, TOP = 4, 10, 12
NOTE = (
    f"Time on the CPU that each operation took itself, the {TOP} largest; `ProfilerStep*` is Python between them. The "
    "profiler slows a step, and the ways take other rows: speeds are in results.json."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_options(parser)
    options = parser.parse_args()
    options.epochs, options.seed = 1, 17
    sections = [profile(way, options) for way in ("stock, grouped", "ours")]
    facts = ", ".join(f"{name} {value}" for name, value in describe(options).items() if value)
    REPORT.write_text("\n".join([f"# Profile of {STEPS} steps", "", NOTE, "", facts, "", *sections]), encoding="utf-8")
    print(REPORT.read_text(encoding="utf-8"))


def profile(way: str, options) -> str:
    import torch
    from transformers import TrainerCallback

    traces = []
    profiler = torch.profiler.profile(
        schedule=torch.profiler.schedule(wait=0, warmup=WARM_UP, active=STEPS, repeat=1),
        # The step that ends the schedule also empties the profiler.
        on_trace_ready=lambda ready: traces.append(ready.key_averages()),
    )

    class Step(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs) -> None:
            profiler.step()
            control.should_training_stop = state.global_step >= WARM_UP + STEPS

    options.way = way
    options.rows = options.rows or 16 * (WARM_UP + STEPS + 2)
    with tempfile.TemporaryDirectory() as folder:
        recipe, classifier, _, tokenized = load(options, stock_config=way != "ours")
        build = build_ours if way == "ours" else build_stock
        trainer, context = build(options, recipe, classifier, tokenized, Path(folder))
        trainer.add_callback(Step())
        with context, profiler:
            trainer.train()
    return tabulate(way, traces[0])


def tabulate(way: str, averages) -> str:
    total = sum(one.self_cpu_time_total for one in averages)
    top = sorted(averages, key=lambda one: -one.self_cpu_time_total)[:TOP]
    rows = [
        f"| `{one.key}` | {one.self_cpu_time_total / 1e3 / STEPS:.1f} | {one.self_cpu_time_total / total:.0%} |"
        for one in top
    ]
    head = [f"## {way}: {total / 1e3 / STEPS:.0f} ms a step", "", "| operation | ms a step | share |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


if __name__ == "__main__":
    main()
