"""The command explain."""

from typing import Annotated

import typer

from hf_newscls import workflow
from hf_newscls.cli.display.terminal import RUNS, ModelArgument, RunsDirOption, console, make_printable
from hf_newscls.cli.display.texts import TextsArgument, check_arguments, print_text, read_texts


def explain(
    model: ModelArgument,
    texts: TextsArgument = None,
    label: Annotated[str | None, typer.Option(help="Label to explain; by default the most probable one.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Number of words to print.")] = 10,
    samples: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of random word orders to try; more are slower and more exact.",
            show_default="about 2,000 predictions in all",
        ),
    ] = None,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Print the words with the largest effect on a prediction (Shapley values). Needs the extra `explain`."""
    found = check_arguments(texts) if texts else [line for line in read_texts() if line]

    for one in workflow.explain(model, found, label=label, samples=samples, runs_dir=runs_dir):
        print_text(one.text)
        console.print(f"  {one.attribution.probability:6.0%}  {make_printable(one.label)}", highlight=False)
        console.print(f"  {one.attribution.empty_probability:6.0%}  without any word", highlight=False)
        words = sorted(one.attribution.contributions, key=lambda word: -abs(word.value))
        for word in words[:top]:
            console.print(f"  {word.value:+6.0%}  {make_printable(word.words)}", highlight=False, soft_wrap=True)
        if rest := words[top:]:
            console.print(f"  {sum(word.value for word in rest):+6.0%}  {len(rest):,} others", highlight=False)
