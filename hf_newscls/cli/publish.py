"""The command that publishes a model."""

from typing import Annotated

import typer

from hf_newscls.cli.terminal import RUNS, RunArgument, RunsDirOption, print_line


def publish(
    run: RunArgument,
    repo_id: Annotated[
        str | None, typer.Option(help="Repository.", metavar="OWNER/NAME", show_default="the recipe's")
    ] = None,
    private: Annotated[
        bool | None, typer.Option(help="Require a private repository.", show_default="the recipe's")
    ] = None,
    revision: Annotated[str, typer.Option(help="Branch for the commit; created if missing.")] = "main",
    pr: Annotated[bool, typer.Option("--pr", help="Open a pull request, or update the open one.")] = False,
    tag: Annotated[str | None, typer.Option(help="Tag for the commit, such as v1.0.")] = None,
    replace_card: Annotated[
        bool, typer.Option("--replace-card", help="Replace a card that hf-newscls did not write.")
    ] = False,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Push the model of a finished run, with its card, to the Hub in one commit. The model is tested first."""
    from hf_newscls import workflow

    pushed = workflow.publish(
        run,
        repo_id=repo_id,
        private=private,
        revision=revision,
        create_pr=pr,
        tag=tag,
        replace_card=replace_card,
        runs_dir=runs_dir,
    )
    print_line(pushed.url if pushed.is_new else f"nothing new: {pushed.url}")
